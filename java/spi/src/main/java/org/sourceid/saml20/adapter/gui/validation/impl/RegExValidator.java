package org.sourceid.saml20.adapter.gui.validation.impl;

import java.text.MessageFormat;
import java.util.regex.Pattern;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.ValidationException;

/** Accepts values that match an expression completely. */
public class RegExValidator implements FieldValidator {
    private static final long serialVersionUID = 1L;

    /** The message for a value that does not match. {0} is the name of the field. */
    public static final String DEFAULT_MESSAGE_FORMAT = "{0} does not have the expected form";

    private final Pattern pattern;
    private String messageFormat = DEFAULT_MESSAGE_FORMAT;

    public RegExValidator(Pattern pattern) {
        this.pattern = pattern;
    }

    public RegExValidator(String expression) {
        this(Pattern.compile(expression));
    }

    public RegExValidator(String expression, int flags) {
        this(Pattern.compile(expression, flags));
    }

    public void setMessageFormat(String format) {
        messageFormat = format;
    }

    @Override
    public void validate(Field field) throws ValidationException {
        if (field.getValue() == null || !pattern.matcher(field.getValue()).matches()) {
            throw new ValidationException(MessageFormat.format(messageFormat, field.getName()));
        }
    }
}
