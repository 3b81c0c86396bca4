package com.pingidentity.provisioner.mapping;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;

/** One field of the attribute mapping screen: code, label and rules for its values. */
public class FieldInfo implements Serializable {
    private static final long serialVersionUID = 20050515L;

    /** Value of a length limit that is not set. */
    private static final int NO_LIMIT = -1;

    private String code;
    private String label;
    private String defaultValue;
    private String regEx;
    private int minLength = NO_LIMIT;
    private int maxLength = NO_LIMIT;
    private boolean required;
    private boolean unique;
    private boolean multiValue;
    private boolean ldapMap;
    private boolean persistForMembership;
    private boolean attributeGroup;
    private List<Option> options = new ArrayList<Option>();
    private List<String> notes = new ArrayList<String>();

    public FieldInfo(String code, String label) {
        if (code == null || code.isEmpty()) {
            throw new IllegalArgumentException("a field needs a code");
        }
        this.code = code;
        this.label = label;
    }

    /** The order of the two flags is not documented; use the setters instead. */
    public FieldInfo(String code, String label, boolean required, boolean unique) {
        this(code, label);
        this.required = required;
        this.unique = unique;
    }

    /** The order of flags and lengths is not documented; use the setters instead. */
    public FieldInfo(String code, String label, boolean required, boolean unique, int minLength, int maxLength,
        String regEx) {
        this(code, label, required, unique);
        this.minLength = minLength;
        this.maxLength = maxLength;
        this.regEx = regEx;
    }

    /** Reads a fields file from the class path. The path has no leading slash. */
    public static List<FieldInfo> parseFieldsInfo(String resourcePath) throws IOException {
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        ClassLoader loader = context == null ? FieldInfo.class.getClassLoader() : context;
        try (InputStream in = loader.getResourceAsStream(resourcePath)) {
            if (in == null) {
                throw new FileNotFoundException("no resource " + resourcePath + " on the class path");
            }
            return parseFieldsInfo(in);
        }
    }

    public static List<FieldInfo> parseFieldsInfo(File file) throws IOException {
        try (InputStream in = new FileInputStream(file)) {
            return parseFieldsInfo(in);
        }
    }

    /** Reads a fields file. An unknown key is an error here; the behaviour of the server is not documented. */
    public static List<FieldInfo> parseFieldsInfo(InputStream in) throws IOException {
        return FieldsFile.read(in);
    }

    public String getCode() {
        return code;
    }

    public void setCode(String code) {
        this.code = code;
    }

    public String getLabel() {
        return label;
    }

    public void setLabel(String label) {
        this.label = label;
    }

    public String getDefault() {
        return defaultValue;
    }

    public void setDefault(String value) {
        this.defaultValue = value;
    }

    public boolean hasDefault() {
        return defaultValue != null && !defaultValue.isEmpty();
    }

    public String getRegEx() {
        return regEx;
    }

    public void setRegEx(String regEx) {
        this.regEx = regEx;
    }

    public boolean isDisplayRegEx() {
        return regEx != null && !regEx.isEmpty();
    }

    public int getMinLength() {
        return minLength;
    }

    public void setMinLength(int minLength) {
        this.minLength = minLength;
    }

    public boolean isDisplayMinLength() {
        return minLength > NO_LIMIT;
    }

    public int getMaxLength() {
        return maxLength;
    }

    public void setMaxLength(int maxLength) {
        this.maxLength = maxLength;
    }

    public boolean isDisplayMaxLength() {
        return maxLength > NO_LIMIT;
    }

    public boolean isRequired() {
        return required;
    }

    public void setRequired(boolean required) {
        this.required = required;
    }

    public boolean isUnique() {
        return unique;
    }

    public void setUnique(boolean unique) {
        this.unique = unique;
    }

    public boolean isMultiValue() {
        return multiValue;
    }

    public void setMultiValue(boolean multiValue) {
        this.multiValue = multiValue;
    }

    public boolean isLdapMap() {
        return ldapMap;
    }

    public void setLdapMap(boolean ldapMap) {
        this.ldapMap = ldapMap;
    }

    public boolean isPersistForMembership() {
        return persistForMembership;
    }

    public void setPersistForMembership(boolean persistForMembership) {
        this.persistForMembership = persistForMembership;
    }

    public boolean isAttributeGroup() {
        return attributeGroup;
    }

    public void setAttributeGroup(boolean attributeGroup) {
        this.attributeGroup = attributeGroup;
    }

    public List<Option> getOptions() {
        return options;
    }

    public void setOptions(List<Option> options) {
        this.options = new ArrayList<Option>(options);
    }

    public void addOption(Option option) {
        options.add(option);
    }

    public void addOption(String code, String label) {
        options.add(new Option(code, label));
    }

    public void addOptions(List<Option> added) {
        options.addAll(added);
    }

    public boolean hasOptions() {
        return !options.isEmpty();
    }

    public List<String> getNotes() {
        return notes;
    }

    public void setNotes(Collection<String> notes) {
        this.notes = new ArrayList<String>(notes);
    }

    public void addNote(String note) {
        notes.add(note);
    }

    public boolean hasNotes() {
        return !notes.isEmpty();
    }

    /** Returns whether the value is valid. Adds a message for each violated rule. */
    public boolean validate(String value, List<String> messages) {
        int before = messages.size();
        if (value == null || value.isEmpty()) {
            if (required) {
                messages.add(label + " needs a value");
            }
            return messages.size() == before;
        }
        if (isDisplayMinLength() && value.length() < minLength) {
            messages.add(label + " must have at least " + minLength + " characters");
        }
        if (isDisplayMaxLength() && value.length() > maxLength) {
            messages.add(label + " must have at most " + maxLength + " characters");
        }
        if (isDisplayRegEx() && !Pattern.matches(regEx, value)) {
            messages.add(label + " does not have the expected form");
        }
        if (hasOptions() && !isOption(value)) {
            messages.add(label + " must be one of the listed options");
        }
        return messages.size() == before;
    }

    /** Returns whether all values are valid. An empty list counts as one empty value. */
    public boolean validate(List<String> values, List<String> messages) {
        if (values == null || values.isEmpty()) {
            return validate((String) null, messages);
        }
        boolean isValid = true;
        for (String value : values) {
            isValid &= validate(value, messages);
        }
        return isValid;
    }

    private boolean isOption(String value) {
        for (Option option : options) {
            if (option.getCode().equals(value)) {
                return true;
            }
        }
        return false;
    }

    /** Fields with the same code are equal. */
    @Override
    public boolean equals(Object other) {
        return other instanceof FieldInfo && code.equals(((FieldInfo) other).code);
    }

    @Override
    public int hashCode() {
        return code.hashCode();
    }

    /** A choice of a field with a pick list: the value to send and the text to show. */
    public static class Option implements Serializable {
        private static final long serialVersionUID = 1L;

        private final String code;
        private final String label;

        public Option(String code, String label) {
            this.code = code;
            this.label = label;
        }

        public String getCode() {
            return code;
        }

        public String getLabel() {
            return label;
        }
    }
}
