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
 * The <em>SCIM Connector</em>: maps the calls of PingFederate's provisioning engine to the native core. Holds no rule of its
 * own.
 *
 * <p>Many threads call one instance, a call may go on after the host has given it up, and an instance may have been
 * serialized: so the native session is transient, and a call that finds none opens one from the target settings.
 */
public class ScimConnectorPlugin extends AbstractSaasPluginWithGroups {

    private static final long serialVersionUID = 1L;

    /** Writing to the target is bound by its latency; more threads than this meet its rate limit first. */
    private static final int MAX_THREADS = 4;

    /** Guards the session. Never held while the network is used. */
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
        return MAX_THREADS;
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

    /** What the console knows beside the rest; not in the SPI before 11.0. TLS is the native library's, which is not FIPS 140. */
    public Map<String, Object> getMetadata() {
        return Collections.<String, Object>singletonMap("FipsStatus", "NOT_COMPLIANT");
    }

    /** The standard fields; with a session the target's, where the standard ones keep what only the jar knows of them. */
    @Override
    public List<SaasPluginFieldInfo> getFieldInfo() throws SaasPluginException {
        List<SaasPluginFieldInfo> standard = Resources.fields();
        NativeConnector open = current();
        if (open == null) {
            return standard;
        }
        Map<String, SaasPluginFieldInfo> known = new LinkedHashMap<>();
        standard.forEach(field -> known.put(field.getCode(), field));
        List<SaasPluginFieldInfo> fields = new ArrayList<>();
        open.fields().forEach(field -> fields.add(known.getOrDefault(field.getCode(), field)));
        return fields;
    }

    /** A session with other settings than these is over: the next call opens one with these. */
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
        // The last session goes first: were it kept where the new one fails, calls would go on with old settings.
        closeSaasConnection();
        close(exchange(NativeConnector.open(parameters, channel())));
    }

    @Override
    public void checkSaasConnection() throws SaasPluginException {
        session().check();
    }

    @Override
    public void closeSaasConnection() throws SaasPluginException {
        close(exchange(null));
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
     * Also how some hosts remove: the core decides by the record's status. Where no id is stored yet, the user is the one
     * that this cycle's lookup found.
     */
    @Override
    public String updateUser(SaasUserData existing, SaasUserData updated) throws SaasPluginException {
        String stored = updated.getSaasUserGuid();
        boolean linked = stored != null && !stored.isEmpty();
        String known = linked || existing == null ? stored : existing.getSaasUserGuid();
        String id = session().updateUser(known, updated);
        return id == null ? known : id;
    }

    /** Always a removal, whatever the record's status says, of the id that is stored for the user and no other. */
    @Override
    public String deprovisionUser(SaasUserData existing, SaasUserData updated) throws SaasPluginException {
        session().removeUser(updated);
        return updated.getSaasUserGuid();
    }

    /** Tells the group the id that it was found by: the answer itself has no room for it. */
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

    private NativeConnector current() {
        lock.lock();
        try {
            return session;
        } finally {
            lock.unlock();
        }
    }

    /** The session, opened from the target settings where there is none. */
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

    private NativeConnector exchange(NativeConnector next) {
        lock.lock();
        try {
            NativeConnector last = session;
            session = next;
            return last;
        } finally {
            lock.unlock();
        }
    }

    private static void close(NativeConnector session) throws SaasPluginException {
        if (session != null) {
            session.close();
        }
    }

    /** The base class of the SPI is not serializable: what it keeps for us goes along. */
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
        NativeConnector open = current();
        Collection<Field> saved = _parameters == null ? Collections.<Field>emptyList() : _parameters.getFields();
        return (open == null ? NativeConnector.settings(saved) : open.settings()).get(name);
    }
}
