package org.pfscim.connector;

import org.sourceid.saml20.adapter.gui.FieldDescriptor;

/**
 * A section heading of the Target tab: a row without an input. The console shows a descriptor of no known kind as text; the
 * end of the name is the one that connectors with headings have in common.
 */
public final class ScimProvisioningTargetLabelFieldDescriptor extends FieldDescriptor {

    private static final long serialVersionUID = 1L;

    /** A heading; its text is set as the label. */
    public ScimProvisioningTargetLabelFieldDescriptor(String name, String description) {
        super(name, description);
    }
}
