package com.pingidentity.provisioner.mapping;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * The reader of the fields file: Java properties in which each field is a group of keys with its code as their common
 * prefix, in the order of the screen.
 */
final class FieldsFile {
    private static final String OPTION = ".option.";
    private static final String NOTE = ".note.";

    private final Map<String, FieldInfo> fields = new LinkedHashMap<String, FieldInfo>();

    private FieldsFile() {
    }

    static List<FieldInfo> read(InputStream in) throws IOException {
        FieldsFile file = new FieldsFile();
        InOrder properties = new InOrder();
        properties.load(in);
        for (Map.Entry<String, String> entry : properties.inOrder.entrySet()) {
            file.take(entry.getKey(), entry.getValue());
        }
        for (FieldInfo field : file.fields.values()) {
            if (field.getLabel() == null) {
                throw new IOException("the field " + field.getCode() + " has no label");
            }
        }
        return new ArrayList<FieldInfo>(file.fields.values());
    }

    private void take(String key, String value) throws IOException {
        // Options and notes first: an option may itself be called "label".
        int option = key.indexOf(OPTION);
        int note = key.indexOf(NOTE);
        if (option > 0) {
            field(key, option).addOption(key.substring(option + OPTION.length()), value);
        } else if (note > 0) {
            field(key, note).addNote(value);
        } else {
            int dot = key.lastIndexOf('.');
            if (dot <= 0) {
                throw new IOException("the key " + key + " names no property of a field");
            }
            set(field(key, dot), key, key.substring(dot + 1), value);
        }
    }

    private FieldInfo field(String key, int end) {
        String code = key.substring(0, end);
        FieldInfo field = fields.get(code);
        if (field == null) {
            field = new FieldInfo(code, null);
            fields.put(code, field);
        }
        return field;
    }

    private static void set(FieldInfo field, String key, String property, String value) throws IOException {
        switch (property) {
            case "label":
                field.setLabel(value);
                break;
            case "required":
                field.setRequired(yes(key, value));
                break;
            case "unique":
                field.setUnique(yes(key, value));
                break;
            case "multi":
                field.setMultiValue(yes(key, value));
                break;
            case "min":
                field.setMinLength(number(key, value));
                break;
            case "max":
                field.setMaxLength(number(key, value));
                break;
            case "regex":
                field.setRegEx(value);
                break;
            case "default":
                field.setDefault(value);
                break;
            case "ldapMap":
                field.setLdapMap(yes(key, value));
                break;
            case "persistForMembership":
                field.setPersistForMembership(yes(key, value));
                break;
            default:
                throw new IOException("the key " + key + " names no property of a field");
        }
    }

    private static boolean yes(String key, String value) throws IOException {
        if ("true".equals(value) || "false".equals(value)) {
            return "true".equals(value);
        }
        throw new IOException("the key " + key + " must be true or false");
    }

    private static int number(String key, String value) throws IOException {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException notANumber) {
            throw new IOException("the key " + key + " must be a whole number", notANumber);
        }
    }

    /** Properties that remember the order of the file; the loader calls {@code put} for each line of it. */
    private static final class InOrder extends Properties {
        private static final long serialVersionUID = 1L;

        private final transient Map<String, String> inOrder = new LinkedHashMap<String, String>();

        @Override
        public synchronized Object put(Object key, Object value) {
            inOrder.put((String) key, (String) value);
            return super.put(key, value);
        }
    }
}
