package com.pingidentity.provisioner.mapping;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * Reads the fields file: Java properties in the order of the screen. The keys of a field have its code as prefix.
 */
final class FieldsFile {
    private static final String OPTION = ".option.";
    private static final String NOTE = ".note.";

    private final Map<String, FieldInfo> fields = new LinkedHashMap<String, FieldInfo>();

    private FieldsFile() {
    }

    static List<FieldInfo> read(InputStream in) throws IOException {
        FieldsFile file = new FieldsFile();
        OrderedProperties properties = new OrderedProperties();
        properties.load(in);
        for (Map.Entry<String, String> entry : properties.ordered.entrySet()) {
            file.add(entry.getKey(), entry.getValue());
        }
        for (FieldInfo field : file.fields.values()) {
            if (field.getLabel() == null) {
                throw new IOException("the field " + field.getCode() + " has no label");
            }
        }
        return new ArrayList<FieldInfo>(file.fields.values());
    }

    private void add(String key, String value) throws IOException {
        // Options and notes first, because the code of an option may be "label".
        int option = key.indexOf(OPTION);
        int note = key.indexOf(NOTE);
        if (option > 0) {
            field(key, option).addOption(key.substring(option + OPTION.length()), value);
        } else if (note > 0) {
            field(key, note).addNote(value);
        } else {
            int dot = key.lastIndexOf('.');
            if (dot <= 0) {
                throw new IOException("the key " + key + " is not a property of a field");
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
                field.setRequired(flag(key, value));
                break;
            case "unique":
                field.setUnique(flag(key, value));
                break;
            case "multi":
                field.setMultiValue(flag(key, value));
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
                field.setLdapMap(flag(key, value));
                break;
            case "persistForMembership":
                field.setPersistForMembership(flag(key, value));
                break;
            default:
                throw new IOException("the key " + key + " is not a property of a field");
        }
    }

    private static boolean flag(String key, String value) throws IOException {
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

    /** Properties in the order of the file. {@link Properties#load} calls {@code put} for each line. */
    private static final class OrderedProperties extends Properties {
        private static final long serialVersionUID = 1L;

        private final transient Map<String, String> ordered = new LinkedHashMap<String, String>();

        @Override
        public synchronized Object put(Object key, Object value) {
            ordered.put((String) key, (String) value);
            return super.put(key, value);
        }
    }
}
