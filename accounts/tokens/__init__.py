"""Keys of scripts: what a person lets a program do in one organization, and until when."""
