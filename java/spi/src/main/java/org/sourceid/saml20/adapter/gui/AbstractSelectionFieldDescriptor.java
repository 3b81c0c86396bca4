package org.sourceid.saml20.adapter.gui;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** A row with choices. */
public abstract class AbstractSelectionFieldDescriptor extends FieldDescriptor {
    private static final long serialVersionUID = 1L;

    protected List<OptionValue> optionValues;

    /** Creates a row whose choices are shown as they are stored. */
    protected AbstractSelectionFieldDescriptor(String name, String description, String[] values) {
        this(name, description, options(values));
    }

    protected AbstractSelectionFieldDescriptor(String name, String description, List<OptionValue> options) {
        super(name, description);
        optionValues = options;
    }

    public List<OptionValue> getOptionValues() {
        return optionValues;
    }

    public void setOptionValues(List<OptionValue> options) {
        optionValues = options;
    }

    /** Returns the text of the choice with this value, or the value if it is not a choice. */
    @Override
    public String getFormattedValue(String value) {
        for (OptionValue option : optionValues) {
            if (option.getValue().equals(value)) {
                return option.getName();
            }
        }
        return value;
    }

    private static List<OptionValue> options(String[] values) {
        List<OptionValue> options = new ArrayList<OptionValue>();
        for (String value : values) {
            options.add(new OptionValue(value, value));
        }
        return options;
    }

    /** A choice: the text to show and the value to store. */
    public static class OptionValue implements Serializable {
        private static final long serialVersionUID = 1L;

        private final String name;
        private final String value;

        public OptionValue(String name, String value) {
            this.name = name;
            this.value = value;
        }

        public String getName() {
            return name;
        }

        public String getValue() {
            return value;
        }
    }
}
