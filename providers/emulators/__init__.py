"""Emulators of the providers' APIs, for tests, the demo and laboratories.

They speak HTTP on loopback and share no code with the plugins they are read by:
what a plugin misunderstands, its emulator must not misunderstand with it. Only
the standard library is used at run time.

A provider is a folder here with a `build(section, scenario=…)` function; the
key of its section in the scenario file is the folder's name and the first
part of its URLs. There is no list of providers to extend.
"""
