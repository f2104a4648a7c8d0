"""What features cost: the rules that a paywall's owner sets, and what is counted by them."""
