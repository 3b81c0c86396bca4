package com.pingidentity.provisioner.sdk.internal;

import com.pingidentity.provisioner.identity.SaasIdentity;
import com.pingidentity.provisioner.mapping.FieldInfo;
import com.pingidentity.provisioner.saas.BaseSaasPlugin;
import com.pingidentity.provisioner.saas.SaasException;
import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasPluginFieldInfo;
import com.pingidentity.provisioner.sdk.SaasUserData;
import com.pingidentity.provisioner.store.UserUpdater;
import com.pingidentity.templates.connection.ConnectionTemplate;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.conf.SimpleFieldList;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;
import org.sourceid.saml20.domain.ConnectionBase;
import org.sourceid.saml20.domain.SpConnection;

/** Maps the calls of the engine to the methods that a connector implements. */
public abstract class AbstractSaasPluginBase extends BaseSaasPlugin implements ConnectionTemplate {
    private static final long serialVersionUID = 1L;

    /** Number of threads of a new channel. The default of the real class is not documented. */
    private static final int DEFAULT_MAX_THREADS = 1;

    private static final String NO_ENGINE_MESSAGE = "the server's engine is not part of these declarations";

    public AbstractSaasPluginBase() {
    }

    public abstract List<FieldDescriptor> getConnectionParameterDescriptors();

    public abstract List<SaasPluginFieldInfo> getFieldInfo() throws SaasPluginException;

    public abstract String getSaasUserIdFieldName();

    public abstract void initSaasConnection(List<Field> parameters) throws SaasPluginException;

    public abstract void checkSaasConnection() throws SaasPluginException;

    public abstract void closeSaasConnection() throws SaasPluginException;

    public abstract SaasUserData getUser(String saasUserGuid, String saasUsername) throws SaasPluginException;

    public abstract String createUser(SaasUserData user) throws SaasPluginException;

    public abstract String updateUser(SaasUserData existing, SaasUserData updated) throws SaasPluginException;

    /** Updates the user as disabled. A connector may override this. */
    public String deprovisionUser(SaasUserData existing, SaasUserData updated) throws SaasPluginException {
        updated.setAccountEnabled(false);
        return updateUser(existing, updated);
    }

    @Override
    public void startSession() throws SaasException {
        initSaasConnection(_parameters.getFields());
        super.startSession();
    }

    @Override
    public void checkSession() throws SaasException {
        checkSaasConnection();
    }

    @Override
    public void stopSession() throws SaasException {
        super.stopSession();
        closeSaasConnection();
    }

    @Override
    public List<FieldDescriptor> getParameterDescriptors() {
        return getConnectionParameterDescriptors();
    }

    @Override
    public int getDefaultMaxThreads() {
        return DEFAULT_MAX_THREADS;
    }

    @Override
    public String getSaasUsernameFieldCode() {
        return getSaasUserIdFieldName();
    }

    @Override
    protected Properties loadDefaultMappings() throws IOException {
        return new Properties();
    }

    @Override
    protected void doLoadFieldsInfo() throws SaasException {
        setFieldInfos(new ArrayList<FieldInfo>(getFieldInfo()));
    }

    @Override
    protected SaasIdentity doGetUser(SaasIdentity user) throws SaasException {
        throw new UnsupportedOperationException(NO_ENGINE_MESSAGE);
    }

    @Override
    protected void doCreateUser(SaasIdentity user, UserUpdater updater) throws SaasException {
        throw new UnsupportedOperationException(NO_ENGINE_MESSAGE);
    }

    @Override
    protected void doUpdateUser(SaasIdentity existing, SaasIdentity updated, UserUpdater updater)
        throws SaasException {
        throw new UnsupportedOperationException(NO_ENGINE_MESSAGE);
    }

    @Override
    protected void doDeprovisionUser(SaasIdentity existing, SaasIdentity updated, UserUpdater updater)
        throws SaasException {
        throw new UnsupportedOperationException(NO_ENGINE_MESSAGE);
    }

    protected static SaasUserData convertAndFilter(SaasIdentity user, String saasUserGuid, boolean flag) {
        throw new UnsupportedOperationException(NO_ENGINE_MESSAGE);
    }

    @Override
    public List<FieldDescriptor> getFieldDescriptors() {
        return Collections.emptyList();
    }

    @Override
    public List<String> checkPrerequisites() {
        return Collections.emptyList();
    }

    @Override
    public String getNote() {
        return "";
    }

    /** Returns the partner's entity id for connections from this template. The real default is not documented. */
    protected String getSaasProviderEntityId() {
        return getId();
    }

    /** The connection that the real class creates is not documented. */
    @Override
    public ConnectionBase getConnection(SimpleFieldList fields) {
        return new SpConnection();
    }
}
