"""How much CPU the product takes, next to a bare mitmdump in the same run: `python -m bench`."""
