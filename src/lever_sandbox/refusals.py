"""What the sandbox answers when it will not do something."""


class Refused(Exception):
    """A request not carried out; `status` is the HTTP status, `code` Lever's word for it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad(message: str) -> Refused:
    return Refused(400, "BadRequestError", message)


def invalid(message: str) -> Refused:
    return Refused(400, "InvalidParameter", message)


def forbidden(message: str) -> Refused:
    return Refused(403, "ForbiddenError", message)


def not_found(thing: str) -> Refused:
    return Refused(404, "ResourceNotFound", f"{thing} was not found")


def too_large(message: str) -> Refused:
    return Refused(413, "RequestEntityTooLarge", message)
