package org.sourceid.saml20.adapter.conf;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** Configured fields in the order of their screen. */
public abstract class FieldList implements Serializable {
    private static final long serialVersionUID = 1L;

    private static final Field EMPTY_FIELD = new Field(null, null);

    private final List<Field> fields;

    protected FieldList() {
        this(new ArrayList<Field>());
    }

    protected FieldList(List<Field> fields) {
        this.fields = fields;
    }

    public List<Field> getFields() {
        return fields;
    }

    /** Returns a field, or null if it is missing. */
    public Field getField(String name) {
        for (Field field : fields) {
            if (field.getName().equals(name)) {
                return field;
            }
        }
        return null;
    }

    /** Returns the value of a field, or null if the field is missing. */
    public String getFieldValue(String name) {
        return getFieldOrEmpty(name).getValue();
    }

    public int getIntFieldValue(String name) {
        return getFieldOrEmpty(name).getValueAsInt();
    }

    public long getLongFieldValue(String name) {
        return getFieldOrEmpty(name).getValueAsLong();
    }

    public float getFloatFieldValue(String name) {
        return getFieldOrEmpty(name).getValueAsFloat();
    }

    public double getDoubleFieldValue(String name) {
        return getFieldOrEmpty(name).getValueAsDouble();
    }

    public boolean getBooleanFieldValue(String name) {
        return getFieldOrEmpty(name).getValueAsBoolean();
    }

    public byte[] getFileFieldValueAsByteArray(String name) {
        return getFieldOrEmpty(name).getFileValueAsByteArray();
    }

    /** PingFederate misspells the name of this method. */
    public String getFileFiledValueAsString(String name) {
        return getFieldOrEmpty(name).getFileValueAsString();
    }

    public boolean isEmpty() {
        return fields.isEmpty();
    }

    /** Returns the names of the fields only, because some values are secrets. */
    @Override
    public String toString() {
        return fields.toString();
    }

    private Field getFieldOrEmpty(String name) {
        Field field = getField(name);
        return field == null ? EMPTY_FIELD : field;
    }
}
