package com.pingidentity.provisioner.sdk;

import com.pingidentity.provisioner.sdk.internal.AbstractSaasPluginBase;
import java.util.List;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;

/** Base class of connectors for users. */
public abstract class AbstractSaasPlugin extends AbstractSaasPluginBase {
    private static final long serialVersionUID = 20100929L;

    public AbstractSaasPlugin() {
    }

    @Override
    public abstract String getId();

    @Override
    public abstract String getDescription();

    @Override
    public abstract List<FieldDescriptor> getConnectionParameterDescriptors();

    @Override
    public abstract List<SaasPluginFieldInfo> getFieldInfo() throws SaasPluginException;

    @Override
    public abstract String getSaasUserIdFieldName();

    @Override
    public abstract void initSaasConnection(List<Field> parameters) throws SaasPluginException;

    @Override
    public abstract void checkSaasConnection() throws SaasPluginException;

    @Override
    public abstract void closeSaasConnection() throws SaasPluginException;

    @Override
    public abstract SaasUserData getUser(String saasUserGuid, String saasUsername) throws SaasPluginException;

    @Override
    public abstract String createUser(SaasUserData user) throws SaasPluginException;

    @Override
    public abstract String updateUser(SaasUserData existing, SaasUserData updated) throws SaasPluginException;
}
