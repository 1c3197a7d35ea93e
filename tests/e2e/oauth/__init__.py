"""The OAuth accounts over real proxies: the files of the official tools, strict token servers, and the providers behind them."""
