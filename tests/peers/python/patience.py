"""Lets a server over stdio end by itself, however busy the machine is. Imported for that effect.

The SDK gives it two seconds, and then kills it with all that it still had to say. Some never end by themselves, with a tool
at work; so for half a minute.
"""

import mcp.client.stdio

# A version without that constant fails here, and not now and then under load.
assert mcp.client.stdio.PROCESS_TERMINATION_TIMEOUT > 0
mcp.client.stdio.PROCESS_TERMINATION_TIMEOUT = 30
