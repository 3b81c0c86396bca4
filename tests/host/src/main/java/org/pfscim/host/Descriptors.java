package org.pfscim.host;

import com.pingidentity.provisioner.mapping.FieldInfo;
import java.util.List;
import java.util.StringJoiner;
import org.sourceid.saml20.adapter.gui.AbstractSelectionFieldDescriptor;
import org.sourceid.saml20.adapter.gui.CheckBoxFieldDescriptor;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;
import org.sourceid.saml20.adapter.gui.TextAreaFieldDescriptor;
import org.sourceid.saml20.adapter.gui.TextFieldDescriptor;
import org.sourceid.saml20.adapter.gui.UploadFileFieldDescriptor;

/** Writes the rows of the console's screens as JSON arrays, in screen order, as {@code pfscim describe --json} does. */
final class Descriptors {
    /** Heading of the settings that most administrators do not change. */
    private static final String ADVANCED = "Advanced";

    private Descriptors() {
    }

    /** Returns the rows of the target screen. A heading is the section of itself and of the rows below it. */
    static String settings(List<FieldDescriptor> rows) {
        StringJoiner array = new StringJoiner(",", "[", "]");
        String section = "";
        for (FieldDescriptor row : rows) {
            String kind = kind(row);
            section = kind.equals("heading") ? row.getLabel() : section;
            array.add(new StringJoiner(",", "{", "}")
                .add(member("name", row.getName()))
                .add(member("label", row.getLabel()))
                .add(member("kind", kind))
                .add(member("default", row.getDefaultValue() == null ? "" : row.getDefaultValue()))
                .add("\"options\":" + options(row))
                .add("\"secret\":" + kind.equals("secret"))
                .add("\"advanced\":" + section.equals(ADVANCED))
                .add(member("section", section))
                .toString());
        }
        return array.toString();
    }

    /** Returns the rows of the attribute mapping screen. */
    static String fields(List<? extends FieldInfo> rows) {
        StringJoiner array = new StringJoiner(",", "[", "]");
        for (FieldInfo row : rows) {
            array.add(new StringJoiner(",", "{", "}")
                .add(member("code", row.getCode()))
                .add(member("label", row.getLabel()))
                .add("\"required\":" + row.isRequired())
                .add("\"multiValued\":" + row.isMultiValue())
                .toString());
        }
        return array.toString();
    }

    private static String kind(FieldDescriptor row) {
        if (row instanceof CheckBoxFieldDescriptor) {
            return "checkbox";
        }
        if (row instanceof AbstractSelectionFieldDescriptor) {
            return "select";
        }
        if (row instanceof TextFieldDescriptor) {
            return ((TextFieldDescriptor) row).isEncrypted() ? "secret" : "text";
        }
        if (row instanceof TextAreaFieldDescriptor || row instanceof UploadFileFieldDescriptor) {
            return "text";
        }
        // The SPI has no class for headings. Connectors define their own descriptor class.
        return "heading";
    }

    private static String options(FieldDescriptor row) {
        StringJoiner array = new StringJoiner(",", "[", "]");
        if (row instanceof AbstractSelectionFieldDescriptor) {
            ((AbstractSelectionFieldDescriptor) row).getOptionValues().forEach(o -> array.add(quoted(o.getValue())));
        }
        return array.toString();
    }

    private static String member(String name, String value) {
        return quoted(name) + ":" + quoted(value);
    }

    /** Returns a JSON string (RFC 8259 section 7). */
    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        text.chars().forEach(c -> {
            if (c == '"' || c == '\\') {
                json.append('\\').append((char) c);
            } else if (c < ' ') {
                json.append(String.format("\\u%04x", c));
            } else {
                json.append((char) c);
            }
        });
        return json.append('"').toString();
    }
}
