"""The likely cause of what went wrong, and the way out, in words for whoever has to act."""

from ecmahost_entra.wire import Answer, NoAnswer, NoAnswerKind

IMPORTING = "importing"

_NO_ANSWER = {
    NoAnswerKind.NAME_UNKNOWN: "the URL's host name is not known here: correct it, or add it to DNS",
    NoAnswerKind.REFUSED: "nothing listens there: start the host with 'ecmahost serve', or correct the port",
    NoAnswerKind.UNREACHABLE: "the network does not lead there: check address, route and firewall",
    NoAnswerKind.TLS_NAME: "the certificate does not name the host of the URL: use a name that it holds (--url), or "
    "make another with 'ecmahost certificate create --force --name NAME'; Entra and its agent refuse it too",
    NoAnswerKind.TLS_EXPIRED: "the certificate has expired: renew it with 'ecmahost certificate create --force'",
    NoAnswerKind.TLS_UNTRUSTED: "the certificate is not the one of this home, or comes from an authority that this "
    "machine does not trust; the agent's machine must trust it as well",
    NoAnswerKind.TLS: "the other side does not speak TLS 1.2 or later: is another program listening on this port?",
    NoAnswerKind.HANGING: "Entra gives up after 60 seconds too: the target is slow or stuck; the host's log names the "
    "connector, and 'ecmahost check' tries the target alone",
    NoAnswerKind.CLOSED: "a process died or was killed while it answered, or a proxy cut the connection: see the "
    "host's log for that moment",
    NoAnswerKind.NOT_HTTP: "another program listens on this port",
    NoAnswerKind.TOO_LONG: "the answer is not one page of a list: a filter was ignored, and everything was returned",
}

_STATUS = {
    400: "the host does not accept what Entra sends, or the target refused a value: the answer's 'detail' says which; "
    "a column that takes special values only is left out with --without; for a target that lacks characters there is "
    "--characters",
    401: "the token is not accepted: it belongs to another connector or home, has expired, or was rotated; make one "
    "with 'ecmahost token NAME'",
    403: "something between here and the host (a firewall for web applications?) refuses requests without a User-Agent",
    404: "this connector is not served: names are case sensitive, and a new file in connectors.d needs "
    "'ecmahost reload' or a start; 'ecmahost check' says why a connector cannot be served",
    409: "a person of this name is there already, perhaps from an earlier rehearsal: remove it from the target",
    413: "the host's limit for a body is too small: raise body_limit",
    415: "the content type 'application/scim+json; charset=utf-8' must be accepted",
    429: "the host is overloaded: Entra does not reliably slow down",
    500: "a fault of the host: see its log for this moment",
    501: "the host lacks something that Entra needs",
    502: "a proxy in front of the host cannot reach it",
    503: "the target cannot be reached or is busy: 'ecmahost check' tries it alone",
    504: "a proxy in front of the host gave up: its time limit must be above 60 seconds",
}

QUARANTINE = "Entra puts the whole job into quarantine for a query that is answered with 404"
ECHO = "Entra compares what it sent with what comes back and would write it again in every cycle: see the mapping"
NOT_IN_TARGET = (
    "the host says it is done and the target says otherwise: does the host use this configuration (reload it), and do "
    "both read the same database or file?"
)
WRITE_ONLY = "a password is written and never returned (RFC 7643 section 7, returned: never)"
NAMESAKE = "run it again: the next person has another name; or remove what an earlier run left in the target"
UNNAMED = "nobody can correct what is not named: the 'detail' is all that the portal shows"
NO_RIGHT = "the target refuses this to the account that the connector uses: 'ecmahost check' names the right"
PORTAL = (
    "PLACEHOLDER is what the ECMA app's template maps until an administrator maps the real attributes: the 'detail' "
    "should lead to the portal's attribute mapping"
)
UNREADABLE = "the rehearsal reads the target itself, with the same configuration: 'ecmahost check' tries it alone"
REWRITTEN = "the same change must not be written twice: Entra repeats changes after every lost answer"


def of_silence(error: NoAnswer) -> str:
    """Returns the likely cause of an answer that did not come."""
    return _NO_ANSWER[error.kind]


def of_status(answer: Answer, *, query: bool = False) -> str:
    """Returns the likely cause of a status that is not the expected one; empty when nothing sensible can be said."""
    if answer.status == 503 and IMPORTING in answer.text():
        return (
            "the first import of the target is not complete: wait until /readyz answers 200, or see the host's log if "
            "it never does"
        )
    if answer.status == 403 and answer.is_scim_error():
        return NO_RIGHT
    cause = _STATUS.get(answer.status, "a fault of the host: see its log" if answer.status > 500 else "")
    if query and answer.status == 404:
        return f"{QUARANTINE}; {cause}"
    return cause
