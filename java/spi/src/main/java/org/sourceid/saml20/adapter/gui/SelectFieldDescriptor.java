package org.sourceid.saml20.adapter.gui;

import java.util.ArrayList;
import java.util.List;

/** A row with a drop-down list. */
public class SelectFieldDescriptor extends AbstractSelectionFieldDescriptor {
    private static final long serialVersionUID = 1L;

    /** The entry for no selection. */
    public static final OptionValue SELECT_ONE = new OptionValue("(choose)", "");

    protected SelectFieldDescriptor(String name, String description) {
        super(name, description, new ArrayList<OptionValue>());
    }

    public SelectFieldDescriptor(String name, String description, String[] values) {
        super(name, description, values);
    }

    public SelectFieldDescriptor(String name, String description, List<OptionValue> options) {
        super(name, description, options);
    }
}
