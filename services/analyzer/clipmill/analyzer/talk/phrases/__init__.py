"""The grammar of a spoken English sentence: where a part of it may begin and end without a change of its meaning."""
