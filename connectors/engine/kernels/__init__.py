"""numba kernels over bytes. They check no bounds beyond what their docstrings say."""
