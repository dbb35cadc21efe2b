"""What is asked and answered on each route, for the server's description of itself (``server.openapi``).

One file has the routes of one wire, as ``SHAPES``; a file that is put here joins by itself. What is asked is told by
the dialects' own shapes. What is answered has shapes here: dialects write their answers without any, which is quicker,
and tests hold the two together. Nothing of this is loaded before somebody asks for the description.
"""
