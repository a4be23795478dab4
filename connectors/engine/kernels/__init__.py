"""numba kernels over bytes. They check no bounds beyond what their docstrings say.

numba's cache knows the file of a function, not those of the functions it calls: after a change in
`nodes` or `jsontext`, remove `__pycache__/*.nb*` here. `NUMBA_BOUNDSCHECK=1` finds a stray index.
"""
