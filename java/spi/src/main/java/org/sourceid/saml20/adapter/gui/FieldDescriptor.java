package org.sourceid.saml20.adapter.gui;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.ValidationException;

/** One row of a configuration screen. Its name is the key of the stored value and the default label. */
public abstract class FieldDescriptor implements Serializable {
    private static final long serialVersionUID = 20050515L;

    private final String name;
    private final String description;
    private String label;
    private String defaultValue;
    private String defaultForLegacyConfig;
    private final List<FieldValidator> validators = new ArrayList<FieldValidator>();

    protected FieldDescriptor(String name, String description) {
        this.name = name;
        this.description = description;
    }

    public String getName() {
        return name;
    }

    public String getDescription() {
        return description;
    }

    public String getLabel() {
        return label == null ? name : label;
    }

    public void setLabel(String label) {
        this.label = label;
    }

    public String getDefaultValue() {
        return defaultValue;
    }

    public void setDefaultValue(String value) {
        defaultValue = value;
    }

    /** Returns the value of this field for a configuration that was saved before the field existed. */
    public String getDefaultForLegacyConfig() {
        return defaultForLegacyConfig;
    }

    public void setDefaultForLegacyConfig(String value) {
        defaultForLegacyConfig = value;
    }

    /** Returns the value as the summary screen shows it. */
    public String getFormattedValue(String value) {
        return value;
    }

    public void addValidator(FieldValidator validator) {
        addValidator(validator, false);
    }

    public void addValidator(FieldValidator validator, boolean skipIfEmptyValue) {
        validators.add(skipIfEmptyValue ? new OptionalValueValidator(validator) : validator);
    }

    /** Returns the validators in the order in which they run. */
    public List<FieldValidator> getValidationChain() {
        return validators;
    }

    /** Skips a validator if the field has no value. */
    private static final class OptionalValueValidator implements FieldValidator {
        private static final long serialVersionUID = 1L;

        private final FieldValidator validator;

        OptionalValueValidator(FieldValidator validator) {
            this.validator = validator;
        }

        @Override
        public void validate(Field field) throws ValidationException {
            if (field.getValue() != null && !field.getValue().isEmpty()) {
                validator.validate(field);
            }
        }
    }
}
