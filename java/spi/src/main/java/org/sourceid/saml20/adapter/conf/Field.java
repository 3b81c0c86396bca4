package org.sourceid.saml20.adapter.conf;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;

/** One configured name and its value. */
public class Field implements Serializable {
    private static final long serialVersionUID = 20050515L;

    /** The number for a value that is missing or not a number. */
    public static final int DEFAULT_NUM_VAL = 0;

    private final String name;
    private final String value;

    public Field(String name, String value) {
        this.name = name;
        this.value = value;
    }

    public String getName() {
        return name;
    }

    public String getValue() {
        return value;
    }

    public int getValueAsInt() {
        return (int) getValueAsLong();
    }

    public long getValueAsLong() {
        try {
            return value == null ? DEFAULT_NUM_VAL : Long.parseLong(value.trim());
        } catch (NumberFormatException notANumber) {
            return DEFAULT_NUM_VAL;
        }
    }

    public float getValueAsFloat() {
        return (float) getValueAsDouble();
    }

    public double getValueAsDouble() {
        try {
            return value == null ? DEFAULT_NUM_VAL : Double.parseDouble(value.trim());
        } catch (NumberFormatException notANumber) {
            return DEFAULT_NUM_VAL;
        }
    }

    public boolean getValueAsBoolean() {
        return Boolean.parseBoolean(value);
    }

    /** Returns the bytes of the value. The server's format of an uploaded file is not documented; here it is text. */
    public byte[] getFileValueAsByteArray() {
        return value == null ? null : value.getBytes(StandardCharsets.UTF_8);
    }

    public String getFileValueAsString() {
        return value;
    }

    /** Returns the name only, because the value may be a secret. */
    @Override
    public String toString() {
        return name;
    }
}
