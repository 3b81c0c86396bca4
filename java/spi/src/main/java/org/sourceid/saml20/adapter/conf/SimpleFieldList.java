package org.sourceid.saml20.adapter.conf;

import java.util.ArrayList;
import java.util.List;

/** A list of fields. The engine passes it to a connector as its parameters. */
public class SimpleFieldList extends FieldList {
    private static final long serialVersionUID = 1L;

    public SimpleFieldList() {
    }

    public SimpleFieldList(List<Field> fields) {
        super(fields);
    }

    public List<String> getFieldNames() {
        List<String> names = new ArrayList<String>();
        for (Field field : getFields()) {
            names.add(field.getName());
        }
        return names;
    }
}
