"""How the hospital speaks: formats, brokers and servers."""
