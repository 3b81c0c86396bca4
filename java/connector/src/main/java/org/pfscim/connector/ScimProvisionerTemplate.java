package org.pfscim.connector;

/**
 * Provides the entry <em>SCIM Provisioner</em> in the list of connection templates. It has the id of the connector. The id
 * becomes the type of a connection that is created from the template.
 */
public final class ScimProvisionerTemplate extends ScimConnectorPlugin {

    private static final long serialVersionUID = 1L;

    @Override
    public String getDescription() {
        return "SCIM Provisioner";
    }
}
