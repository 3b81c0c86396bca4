package org.pfscim.connector;

import com.pingidentity.provisioner.sdk.SaasPluginFieldInfo;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.sourceid.saml20.adapter.gui.AbstractSelectionFieldDescriptor.OptionValue;
import org.sourceid.saml20.adapter.gui.CheckBoxFieldDescriptor;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;
import org.sourceid.saml20.adapter.gui.SelectFieldDescriptor;
import org.sourceid.saml20.adapter.gui.TextFieldDescriptor;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.impl.HttpURLValidator;
import org.sourceid.saml20.adapter.gui.validation.impl.IntegerValidator;
import org.sourceid.saml20.adapter.gui.validation.impl.RequiredFieldValidator;

/**
 * Reads the catalogues of core from the jar: settings, fields and default mappings.
 * Does not know: the native library.
 *
 * <p>The build generates each file. The class loader of this class finds it.
 */
final class Resources {

    private Resources() {
    }

    /** Returns the rows of the Target tab, in screen order. */
    static List<FieldDescriptor> settings() {
        List<FieldDescriptor> descriptors = new ArrayList<>();
        groups("settings.properties").forEach((name, keys) -> descriptors.add(setting(name, keys)));
        return descriptors;
    }

    /** Returns the standard fields, in screen order. */
    static List<SaasPluginFieldInfo> fields() {
        List<SaasPluginFieldInfo> fields = new ArrayList<>();
        groups("fields.properties").forEach((code, keys) -> fields.add(field(code, keys)));
        return fields;
    }

    /** Returns the default mappings, as PingFederate reads them. */
    static Properties mappings() throws IOException {
        return read("default-mappings.properties", new Properties());
    }

    private static FieldDescriptor setting(String name, Map<String, String> keys) {
        FieldDescriptor descriptor = descriptor(name, keys);
        descriptor.setLabel(keys.get("label"));
        String value = keys.get("default");
        if (value != null) {
            descriptor.setDefaultValue(value);
            // The value of connections that were saved before this setting existed.
            descriptor.setDefaultForLegacyConfig(value);
        }
        if ("true".equals(keys.get("required"))) {
            descriptor.addValidator(new RequiredFieldValidator());
        }
        if (keys.containsKey("check")) {
            descriptor.addValidator(validator(keys.get("check")), true);
        }
        return descriptor;
    }

    private static FieldDescriptor descriptor(String name, Map<String, String> keys) {
        String description = keys.getOrDefault("description", "");
        String kind = keys.get("kind");
        switch (kind) {
            case "heading": return new ScimProvisioningTargetLabelFieldDescriptor(name, description);
            case "text": return new TextFieldDescriptor(name, description);
            case "secret": return new TextFieldDescriptor(name, description, true);
            case "checkbox": return new CheckBoxFieldDescriptor(name, description);
            case "select": return new SelectFieldDescriptor(name, description, options(keys));
            default: throw new IllegalStateException("settings.properties: " + name + " has the unknown kind " + kind);
        }
    }

    private static List<OptionValue> options(Map<String, String> keys) {
        List<OptionValue> options = new ArrayList<>();
        keys.forEach((key, value) -> {
            if (key.startsWith("option.")) {
                options.add(new OptionValue(value, value));
            }
        });
        return options;
    }

    /** Returns a check that the console runs itself. Core runs all other checks. */
    private static FieldValidator validator(String check) {
        String[] parts = check.split(":");
        if (parts.length == 1 && parts[0].equals("url")) {
            return new HttpURLValidator();
        }
        if (parts.length == 3 && parts[0].equals("integer")) {
            return new IntegerValidator(Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
        }
        throw new IllegalStateException("settings.properties: unknown check " + check);
    }

    private static SaasPluginFieldInfo field(String code, Map<String, String> keys) {
        SaasPluginFieldInfo field = new SaasPluginFieldInfo(code, keys.get("label"));
        keys.forEach((key, value) -> {
            switch (key) {
                case "label": break;
                case "required": field.setRequired(Boolean.parseBoolean(value)); break;
                case "unique": field.setUnique(Boolean.parseBoolean(value)); break;
                case "multi": field.setMultiValue(Boolean.parseBoolean(value)); break;
                case "ldapMap": field.setLdapMap(Boolean.parseBoolean(value)); break;
                case "persistForMembership": field.setPersistForMembership(Boolean.parseBoolean(value)); break;
                case "min": field.setMinLength(Integer.parseInt(value)); break;
                case "max": field.setMaxLength(Integer.parseInt(value)); break;
                case "regex": field.setRegEx(value); break;
                case "default": field.setDefault(value); break;
                default: addOptionOrNote(field, code, key, value);
            }
        });
        return field;
    }

    private static void addOptionOrNote(SaasPluginFieldInfo field, String code, String key, String value) {
        if (key.startsWith("option.")) {
            field.addOption(key.substring("option.".length()), value);
        } else if (key.startsWith("note.")) {
            field.addNote(value);
        } else {
            throw new IllegalStateException("fields.properties: " + code + " has the unknown key " + key);
        }
    }

    /** Returns the keys of a file, grouped by the part before the first dot. Groups and keys keep the order of the file. */
    private static Map<String, Map<String, String>> groups(String file) {
        Map<String, Map<String, String>> groups = new LinkedHashMap<>();
        try {
            read(file, new Properties() {
                private static final long serialVersionUID = 1L;

                @Override
                public synchronized Object put(Object key, Object value) {
                    String[] parts = key.toString().split("\\.", 2);
                    if (parts.length == 2) {
                        groups.computeIfAbsent(parts[0], p -> new LinkedHashMap<>()).put(parts[1], value.toString());
                    }
                    return super.put(key, value);
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return groups;
    }

    private static Properties read(String file, Properties properties) throws IOException {
        try (InputStream in = Resources.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new FileNotFoundException(file + " is missing from the connector's jar");
            }
            properties.load(in);
            return properties;
        }
    }
}
