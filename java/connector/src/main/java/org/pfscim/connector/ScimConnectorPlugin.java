package org.pfscim.connector;

import com.pingidentity.provisioner.sdk.AbstractSaasPluginWithGroups;
import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasPluginFieldInfo;
import com.pingidentity.provisioner.sdk.SaasUserData;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.locks.ReentrantLock;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.conf.FieldList;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;

/**
 * Passes the calls of PingFederate's provisioning engine to core. This is the plugin <em>SCIM Connector</em>.
 * Does not know: rules of provisioning.
 *
 * <p>Many threads call one instance. A call may continue after the host has abandoned it. The host may serialize an instance,
 * so the session is transient. A call without a session opens one from the target settings.
 */
public class ScimConnectorPlugin extends AbstractSaasPluginWithGroups {

    private static final long serialVersionUID = 1L;

    /** The latency of the target limits a thread. With more threads than this, the rate limit of the target comes first. */
    private static final int DEFAULT_MAX_THREADS = 4;

    /** Guards {@link #session}. Released before any request to the target. */
    private final ReentrantLock lock = new ReentrantLock();
    private transient NativeConnector session;

    @Override
    public String getId() {
        return "PfScim";
    }

    @Override
    public String getDescription() {
        return "SCIM Connector";
    }

    @Override
    public List<FieldDescriptor> getConnectionParameterDescriptors() {
        return Resources.settings();
    }

    @Override
    public Properties loadDefaultMappings() throws IOException {
        return Resources.mappings();
    }

    @Override
    public int getDefaultMaxThreads() {
        return DEFAULT_MAX_THREADS;
    }

    @Override
    public boolean hasLocalFieldsInfo() {
        return false;
    }

    @Override
    public boolean isTestConnectionSupported() {
        return true;
    }

    @Override
    public boolean isUserSelectable() {
        return true;
    }

    @Override
    public boolean isConfiguredForGroups() {
        return true;
    }

    @Override
    public boolean isUsingDnAsGroupName() {
        return "Distinguished Name".equals(setting("GROUP_NAME_SOURCE"));
    }

    @Override
    public String getSaasUserIdFieldName() {
        return identifierCode();
    }

    @Override
    public String getSaasUsernameFieldCode() {
        return identifierCode();
    }

    /** Returns properties for the console. In the SPI since 11.0. The TLS of the native library is not FIPS 140. */
    public Map<String, Object> getMetadata() {
        return Collections.<String, Object>singletonMap("FipsStatus", "NOT_COMPLIANT");
    }

    /**
     * Returns the standard fields, or with a session the fields of the target. A standard field of the target has the
     * definition in the jar.
     */
    @Override
    public List<SaasPluginFieldInfo> getFieldInfo() throws SaasPluginException {
        List<SaasPluginFieldInfo> standard = Resources.fields();
        NativeConnector current = currentSession();
        if (current == null) {
            return standard;
        }
        Map<String, SaasPluginFieldInfo> standardByCode = new LinkedHashMap<>();
        standard.forEach(field -> standardByCode.put(field.getCode(), field));
        List<SaasPluginFieldInfo> fields = new ArrayList<>();
        current.fields().forEach(field -> fields.add(standardByCode.getOrDefault(field.getCode(), field)));
        return fields;
    }

    /** Stores the settings. Closes a session with other settings; the next call opens one with these. */
    @Override
    public void setParameters(FieldList parameters) {
        super.setParameters(parameters);
        NativeConnector outdated = null;
        lock.lock();
        try {
            if (session != null && parameters != null
                    && !session.settings().equals(NativeConnector.settings(parameters.getFields()))) {
                outdated = session;
                session = null;
            }
        } finally {
            lock.unlock();
        }
        try {
            close(outdated);
        } catch (SaasPluginException e) {
            PluginLog.LOG.warn(e.getMessage());
        }
    }

    @Override
    public void initSaasConnection(List<Field> parameters) throws SaasPluginException {
        // Close first: if open fails, later calls must not use a session with old settings.
        closeSaasConnection();
        close(replaceSession(NativeConnector.open(parameters, channel())));
    }

    @Override
    public void checkSaasConnection() throws SaasPluginException {
        session().check();
    }

    @Override
    public void closeSaasConnection() throws SaasPluginException {
        close(replaceSession(null));
    }

    @Override
    public SaasUserData getUser(String saasUserGuid, String saasUsername) throws SaasPluginException {
        return session().findUser(saasUserGuid, saasUsername);
    }

    @Override
    public String createUser(SaasUserData user) throws SaasPluginException {
        return session().createUser(user);
    }

    /**
     * Updates a user. Some hosts also call this to remove a user; core decides by the status of the record.
     * If the host has stored no target id, the account is the one that {@link #getUser} found in this cycle.
     */
    @Override
    public String updateUser(SaasUserData existing, SaasUserData updated) throws SaasPluginException {
        String storedId = updated.getSaasUserGuid();
        boolean isLinked = storedId != null && !storedId.isEmpty();
        String currentId = isLinked || existing == null ? storedId : existing.getSaasUserGuid();
        String id = session().updateUser(currentId, updated);
        return id == null ? currentId : id;
    }

    /** Removes the user, independent of the record's status. The account is the one with the stored id. */
    @Override
    public String deprovisionUser(SaasUserData existing, SaasUserData updated) throws SaasPluginException {
        session().removeUser(updated);
        return updated.getSaasUserGuid();
    }

    /** Returns whether the group exists, and sets its target id on the group, because the result is only a boolean. */
    @Override
    public boolean doesGroupExist(SaasGroupData group) throws SaasPluginException {
        String id = session().findGroup(group.getGuid(), group.getName());
        if (id != null) {
            group.setGuid(id);
        }
        return id != null;
    }

    @Override
    public String createGroup(SaasGroupData group) throws SaasPluginException {
        return session().createGroup(group);
    }

    @Override
    public String updateGroup(SaasGroupData group, boolean mergeMembership) throws SaasPluginException {
        String id = session().updateGroup(group, mergeMembership);
        return id == null ? group.getGuid() : id;
    }

    @Override
    public void deleteGroup(SaasGroupData group) throws SaasPluginException {
        session().deleteGroup(group);
    }

    private NativeConnector currentSession() {
        lock.lock();
        try {
            return session;
        } finally {
            lock.unlock();
        }
    }

    /** Returns the session. Opens it from the target settings if necessary. */
    private NativeConnector session() throws SaasPluginException {
        lock.lock();
        try {
            if (session == null) {
                if (_parameters == null) {
                    throw new SaasPluginException("config: the connection has no target settings; fill in its Target tab",
                        true);
                }
                session = NativeConnector.open(_parameters.getFields(), channel());
            }
            return session;
        } finally {
            lock.unlock();
        }
    }

    /** Sets the session and returns the previous one. */
    private NativeConnector replaceSession(NativeConnector next) {
        lock.lock();
        try {
            NativeConnector previous = session;
            session = next;
            return previous;
        } finally {
            lock.unlock();
        }
    }

    private static void close(NativeConnector session) throws SaasPluginException {
        if (session != null) {
            session.close();
        }
    }

    /** Also writes the fields of the base class, which is not serializable in the SPI. */
    private void writeObject(ObjectOutputStream out) throws IOException {
        out.defaultWriteObject();
        out.writeObject(_parameters);
        out.writeInt(getChannelId());
    }

    private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
        in.defaultReadObject();
        _parameters = (FieldList) in.readObject();
        setChannelId(in.readInt());
    }

    private String channel() {
        return String.valueOf(getChannelId());
    }

    private String identifierCode() {
        return "workEmail".equals(setting("UNIQUE_USER_IDENTIFIER")) ? "workEmail" : "userName";
    }

    private String setting(String name) {
        NativeConnector current = currentSession();
        Collection<Field> saved = _parameters == null ? Collections.<Field>emptyList() : _parameters.getFields();
        return (current == null ? NativeConnector.settings(saved) : current.settings()).get(name);
    }
}
