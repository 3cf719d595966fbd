"""What the tests run on: throwaway services, a browser. Standard library only, so that set-up can use it."""
