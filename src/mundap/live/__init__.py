"""`make serve`: the site on this computer, built again at each save, with cells that run."""
