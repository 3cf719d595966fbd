"""The rules: one class a module; whatever stands here is found (`engine.registry`)."""
