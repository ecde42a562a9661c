"""Traces of LLM applications and agents, sent to a Hindcast server.

    from hindcast import Hindcast

    sdk = Hindcast(api_key="hc_sk_...", agent_name="support-agent", base_url="http://127.0.0.1:8080")
    trace = sdk.trace("session-123")
    trace.user_message_sync([{"role": "user", "content": "Reset my password."}])

Every method has two forms: ``x_sync()`` returns when the server has the event on disk, ``await x()`` does so without holding up the loop.
Neither raises for what goes wrong on the way: tracing never breaks what it watches. The logger ``hindcast`` and ``on_lost`` hear of it.
"""

from ._client import Hindcast
from ._trace import EventOptions, Span, Trace

__all__ = ["EventOptions", "Hindcast", "Span", "Trace"]
__version__ = "0.1.0"
