"""The whole product from outside: official SDK -> a real mitmdump with our addons -> a strict fake provider."""
