package org.pfscim.connector;

/**
 * The entry <em>SCIM Provisioner</em> in the list of connection templates. It has the connector's id, because the id becomes
 * the type of the connection that is made from it.
 */
public final class ScimProvisionerTemplate extends ScimConnectorPlugin {

    private static final long serialVersionUID = 1L;

    @Override
    public String getDescription() {
        return "SCIM Provisioner";
    }
}
