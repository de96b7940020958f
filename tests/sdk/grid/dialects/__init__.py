"""What each client format says: requests from the words that scenarios use, answers back into them."""
