"""From records to training files: stitching, choosing, writing. Knows neither the proxy nor the network.

Not named `datasets`: mitmproxy puts the folder above at the head of `sys.path`, where that name would hide the library.
"""
