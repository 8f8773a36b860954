"""What vendors publish of themselves in a form that machines can read, generated into data files beside this one.

The sandbox and the clients read the files each for itself, so that neither needs to know the other. And what both who read a
vendor and who write to it must know of it.
"""
