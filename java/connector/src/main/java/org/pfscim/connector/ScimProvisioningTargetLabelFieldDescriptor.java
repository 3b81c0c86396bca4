package org.pfscim.connector;

import org.sourceid.saml20.adapter.gui.FieldDescriptor;

/**
 * Shows a section heading on the Target tab: a row without an input. The console shows a descriptor of an unknown class as
 * text. Class names of headings in other connectors have the same ending.
 */
public final class ScimProvisioningTargetLabelFieldDescriptor extends FieldDescriptor {

    private static final long serialVersionUID = 1L;

    /** Creates a heading. Its text is the label, which the caller sets. */
    public ScimProvisioningTargetLabelFieldDescriptor(String name, String description) {
        super(name, description);
    }
}
