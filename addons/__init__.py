"""THE PROXY: mitmproxy addons. The only package that knows mitmproxy."""
