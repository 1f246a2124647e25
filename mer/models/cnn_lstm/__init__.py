"""Kim, Baddar and Ro's CNN and LSTM over the states of an expression."""
