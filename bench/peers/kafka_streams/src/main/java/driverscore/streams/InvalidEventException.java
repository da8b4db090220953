package driverscore.streams;

/** A message that can't be used; without a stack trace, as a flood of them must not cost more than good ones. */
final class InvalidEventException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Stable code of the reason, as {@code docs/bad-input.md} has it. */
    final String code;

    InvalidEventException(String code, String message) {
        super(message, null, false, false);
        this.code = code;
    }
}
