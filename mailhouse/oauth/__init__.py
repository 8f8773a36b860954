"""OAuth: a browser's grant on the loopback, tokens kept encrypted, renewed once for all processes."""
