package com.pingidentity.provisioner.saas;

import com.pingidentity.provisioner.identity.SaasIdentity;
import com.pingidentity.provisioner.mapping.FieldConfig;
import com.pingidentity.provisioner.mapping.FieldInfo;
import com.pingidentity.provisioner.monitor.SaasProvisioningEventTracker;
import com.pingidentity.provisioner.store.UserStoreUpdater;
import com.pingidentity.provisioner.store.UserUpdater;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.sourceid.saml20.adapter.conf.FieldList;
import org.sourceid.saml20.domain.SpConnection;

/**
 * Stores the data of a connector for the engine: parameters, field list, channel.
 *
 * <p>It is not serializable, although connectors are. A deserialized connector has no data in these fields.
 *
 * <p>The real class also has a static accessor of a log4j 1 logger. It is left out, so that no connector uses it.
 */
public abstract class BaseSaasPlugin implements SaasProvisionerPlugin {
    /** Timeout of a new channel. The documentation names the constant 120000 milliseconds. */
    private static final int DEFAULT_TIMEOUT_MILLIS = 120000;

    /** The parameters of the target screen. Null until the engine sets them. */
    protected FieldList _parameters;

    private String saasCode;
    private String saasUsernameFieldCode;
    private int channelId;
    private boolean sessionStarted;
    private List<FieldInfo> fieldInfos;
    private Set<String> persistForMembershipFields = new HashSet<String>();
    private SaasProvisioningEventTracker eventTracker;
    private SpConnection spConnection;

    public BaseSaasPlugin() {
    }

    @Override
    public void setParameters(FieldList parameters) {
        _parameters = parameters;
    }

    @Override
    public void startSession() throws SaasException {
        sessionStarted = true;
    }

    @Override
    public boolean isSessionStarted() {
        return sessionStarted;
    }

    @Override
    public void checkSession() throws SaasException {
        if (!sessionStarted) {
            throw new SaasException("the session is not started");
        }
    }

    @Override
    public void stopSession() throws SaasException {
        sessionStarted = false;
    }

    @Override
    public String getSaasCode() {
        return saasCode;
    }

    public void setSaasCode(String saasCode) {
        this.saasCode = saasCode;
    }

    public int getChannelId() {
        return channelId;
    }

    public void setChannelId(int channelId) {
        this.channelId = channelId;
    }

    @Override
    public String getSaasUsernameFieldCode() throws SaasException {
        return saasUsernameFieldCode;
    }

    public void setSaasUsernameFieldCode(String code) {
        saasUsernameFieldCode = code;
    }

    /** Returns whether the list of fields is fixed. If not, the console offers to refresh it. */
    public boolean hasLocalFieldsInfo() {
        return false;
    }

    /** The result of the real class is not documented. */
    public boolean isTestConnectionSupported() {
        return false;
    }

    public boolean isUserSelectable() {
        return true;
    }

    @Override
    public int getDefaultTimeout() {
        return DEFAULT_TIMEOUT_MILLIS;
    }

    public Set<String> getPersistForMembershipFields() throws SaasException {
        return persistForMembershipFields;
    }

    public void setPersistForMembershipFields(Set<String> codes) {
        persistForMembershipFields = codes;
    }

    public SpConnection getSpConnection() {
        return spConnection;
    }

    public void setSpConnection(SpConnection connection) {
        spConnection = connection;
    }

    public SaasProvisioningEventTracker getSaasProvisioningEventTracker() {
        return eventTracker;
    }

    public void setEventTracker(SaasProvisioningEventTracker tracker) {
        eventTracker = tracker;
    }

    @Override
    public List<FieldInfo> getFieldsInfo() throws SaasException {
        if (fieldInfos == null) {
            doLoadFieldsInfo();
        }
        return fieldInfos;
    }

    public void setFieldInfos(List<FieldInfo> fields) {
        fieldInfos = fields;
    }

    public void setFieldInfos(String resourcePath) throws IOException {
        fieldInfos = FieldInfo.parseFieldsInfo(resourcePath);
    }

    public void setFieldInfos(File file) throws IOException {
        fieldInfos = FieldInfo.parseFieldsInfo(file);
    }

    public void addFieldInfo(FieldInfo field) {
        if (fieldInfos == null) {
            fieldInfos = new ArrayList<FieldInfo>();
        }
        fieldInfos.add(field);
    }

    /**
     * Returns the mapping of a new channel by field code. {@code saas.FIELD} names a logical attribute.
     * {@code directory.TYPE.LOGICAL} names the directory's attribute for it. The type {@code default} is the fallback.
     */
    @Override
    public Map<String, FieldConfig> createDefaultMapping(String directoryType, List<FieldInfo> fields)
        throws IOException {
        Properties defaults = loadDefaultMappings();
        Map<String, FieldConfig> mapping = new LinkedHashMap<String, FieldConfig>();
        for (FieldInfo field : fields) {
            String code = field.getCode();
            String logical = defaults.getProperty("saas." + code);
            if (logical != null) {
                String attribute = defaults.getProperty("directory." + directoryType + "." + logical,
                    defaults.getProperty("directory.default." + logical));
                mapping.put(code, new FieldConfig(attribute, isSet(defaults, code, "createonly"),
                    isSet(defaults, code, "mask")));
            }
        }
        return mapping;
    }

    private static boolean isSet(Properties defaults, String code, String option) {
        return Boolean.parseBoolean(defaults.getProperty("fieldconfig." + code + "." + option));
    }

    @Override
    public void updateUser(SaasIdentity user, UserStoreUpdater store, String userGuid) throws SaasException {
        throw new UnsupportedOperationException("the server's engine is not part of these declarations");
    }

    protected void doDeprovisionUser(SaasIdentity existing, SaasIdentity updated, UserUpdater updater)
        throws SaasException {
        doUpdateUser(existing, updated, updater);
    }

    protected abstract Properties loadDefaultMappings() throws IOException;

    protected abstract void doLoadFieldsInfo() throws SaasException;

    protected abstract SaasIdentity doGetUser(SaasIdentity user) throws SaasException;

    protected abstract void doCreateUser(SaasIdentity user, UserUpdater updater) throws SaasException;

    protected abstract void doUpdateUser(SaasIdentity existing, SaasIdentity updated, UserUpdater updater)
        throws SaasException;
}
