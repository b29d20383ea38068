"""The tests of ci-migrate; README.md beside this file says which kind lives where."""
