"""The server: whole requests are collected, and dealt out fairly to threads."""
