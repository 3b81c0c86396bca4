package org.pfscim.host.fake;

import com.pingidentity.provisioner.sdk.AbstractSaasPluginWithGroups;
import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasPluginFieldInfo;
import com.pingidentity.provisioner.sdk.SaasUserData;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.gui.AbstractSelectionFieldDescriptor.OptionValue;
import org.sourceid.saml20.adapter.gui.CheckBoxFieldDescriptor;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;
import org.sourceid.saml20.adapter.gui.RadioGroupFieldDescriptor;
import org.sourceid.saml20.adapter.gui.SelectFieldDescriptor;
import org.sourceid.saml20.adapter.gui.TextFieldDescriptor;

/** A connector whose target is a map in memory. It keeps a journal of calls. Some names of users cause special behaviour. */
public class FakePlugin extends AbstractSaasPluginWithGroups {
    private static final long serialVersionUID = 1L;

    /** The calls, in order. */
    public static final List<String> JOURNAL = Collections.synchronizedList(new ArrayList<String>());

    /** The users at the target, by id. */
    public static final Map<String, SaasUserData> TARGET = new ConcurrentHashMap<>();

    /** Each call for the user {@code hang} counts this down, then waits for {@link #release}. */
    public static volatile CountDownLatch arrivals = new CountDownLatch(1);

    /** Lets the waiting calls continue. */
    public static volatile CountDownLatch release = new CountDownLatch(1);

    private transient Object session;

    /** Resets journal, target and latches. */
    public static void reset() {
        JOURNAL.clear();
        TARGET.clear();
        arrivals = new CountDownLatch(1);
        release = new CountDownLatch(1);
    }

    @Override
    public String getId() {
        return "Fake";
    }

    @Override
    public String getDescription() {
        return "Fake connector";
    }

    @Override
    public List<FieldDescriptor> getConnectionParameterDescriptors() {
        TextFieldDescriptor url = new TextFieldDescriptor("URL", "address of the target");
        url.setLabel("The \"URL\"");
        url.setDefaultValue("http://localhost\\");
        SelectFieldDescriptor version = new SelectFieldDescriptor("VERSION", "", new String[] {"1", "2"});
        version.setDefaultValue("2");
        CheckBoxFieldDescriptor create = new CheckBoxFieldDescriptor("CREATE", "");
        create.setDefaultValue(true);
        return Arrays.asList(url, version, new Heading("Sign in"), new TextFieldDescriptor("TOKEN", "", true),
            new RadioGroupFieldDescriptor("KIND", "", Arrays.asList(new OptionValue("One", "one"))),
            new Heading("Advanced"), create);
    }

    @Override
    public List<SaasPluginFieldInfo> getFieldInfo() throws SaasPluginException {
        JOURNAL.add(_parameters == null ? "fields without parameters" : "fields");
        SaasPluginFieldInfo name = new SaasPluginFieldInfo("userName", "User Name");
        name.setRequired(true);
        SaasPluginFieldInfo roles = new SaasPluginFieldInfo("roles", "Roles");
        roles.setMultiValue(true);
        return Arrays.asList(name, roles);
    }

    @Override
    public String getSaasUserIdFieldName() {
        return "userName";
    }

    @Override
    public void initSaasConnection(List<Field> parameters) throws SaasPluginException {
        JOURNAL.add("init " + getChannelId() + " " + parameters.get(0).getName() + "=" + parameters.get(0).getValue());
        if ("refuse".equals(parameters.get(0).getValue())) {
            throw new SaasPluginException("config: URL is wrong", true);
        }
        session = new Object();
    }

    @Override
    public void checkSaasConnection() throws SaasPluginException {
        JOURNAL.add("check");
    }

    @Override
    public void closeSaasConnection() throws SaasPluginException {
        JOURNAL.add("close");
        session = null;
    }

    @Override
    public SaasUserData getUser(String guid, String username) throws SaasPluginException {
        record("get", username == null ? guid : username);
        if ("null-id".equals(username)) {
            return new SaasUserData(null);
        }
        return TARGET.get(guid == null ? "id-" + username : guid);
    }

    @Override
    public String createUser(SaasUserData user) throws SaasPluginException {
        String name = user.getAttributeFirstValue("userName");
        record("create", name);
        if (name.startsWith("long")) {
            return String.join("", Collections.nCopies(Integer.parseInt(name.substring(4)), "x"));
        }
        if (name.equals("skip")) {
            return null;
        }
        SaasUserData stored = new SaasUserData("id-" + name);
        stored.setAccountEnabled(user.isAccountEnabled());
        stored.setAttributeMap(user.getAttributeMap());
        stored.setMaskedFields(user.getMaskedFields());
        TARGET.put(stored.getSaasUserGuid(), stored);
        return stored.getSaasUserGuid();
    }

    @Override
    public String updateUser(SaasUserData existing, SaasUserData updated) throws SaasPluginException {
        record("update", describe(existing) + " -> " + describe(updated));
        return updated.getSaasUserGuid();
    }

    @Override
    public String deprovisionUser(SaasUserData existing, SaasUserData updated) throws SaasPluginException {
        record("deprovision", describe(existing) + " -> " + describe(updated));
        return updated.getSaasUserGuid();
    }

    @Override
    public boolean isConfiguredForGroups() {
        return true;
    }

    @Override
    public boolean isUsingDnAsGroupName() {
        return false;
    }

    @Override
    public boolean doesGroupExist(SaasGroupData group) throws SaasPluginException {
        record("exists", describe(group));
        group.setGuid("g-" + group.getName());
        return true;
    }

    @Override
    public String createGroup(SaasGroupData group) throws SaasPluginException {
        record("create", describe(group));
        return "g-" + group.getName();
    }

    @Override
    public String updateGroup(SaasGroupData group, boolean mergeMembership) throws SaasPluginException {
        record(mergeMembership ? "merge" : "replace", describe(group));
        return group.getGuid();
    }

    @Override
    public void deleteGroup(SaasGroupData group) throws SaasPluginException {
        record("delete", describe(group));
    }

    private void record(String call, String subject) throws SaasPluginException {
        Log log = LogFactory.getLog("com.pingidentity.provisioner.fake");
        if (session == null) {
            JOURNAL.add("session opened by " + call + ", parameters " + _parameters);
            session = new Object();
        }
        JOURNAL.add(call + " " + subject);
        switch (String.valueOf(subject)) {
            case "hang":
                CountDownLatch latch = release;
                arrivals.countDown();
                await(latch);
                // A call of an earlier test must not write to the journal of this test.
                if (latch == release) {
                    JOURNAL.add("released");
                }
                break;
            case "refused":
                throw new SaasPluginException("rejected: no such department", false);
            case "stop":
                throw new SaasPluginException("auth_failed: sign in again", true);
            case "two lines":
                throw new SaasPluginException("rejected:\nno", true);
            case "no message":
                throw new SaasPluginException();
            case "boom":
                throw new IllegalStateException("boom\nbang");
            case "outcome":
                log.warn("the option is off");
                log.warn("another warning");
                log.info("outcome=skipped id=7");
                log.debug("secret");
                break;
            case "two outcomes":
                log.info("outcome=created");
                log.info("outcome=updated");
                break;
            case "forged":
                log.warn("name=x\noutcome=created");
                break;
            case "print":
                System.out.print("printed by the plugin\n");
                break;
            case "error":
                log.error("lost", new IllegalStateException("because"));
                break;
            default:
                LogFactory.getLog("com.example.library").info("working on " + subject);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            if (!latch.await(30, TimeUnit.SECONDS)) {
                throw new IllegalStateException("never released");
            }
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    private static String describe(SaasUserData user) {
        return user.getSaasUserGuid() + (user.isAccountEnabled() ? " enabled " : " disabled ") + user.getAttributeMap();
    }

    private static String describe(SaasGroupData group) {
        StringBuilder text = new StringBuilder(group.getName() + " " + group.getGuid() + " " + group.getInternalGuid());
        Iterator<SaasUserData> users = group.getMembersIterator();
        text.append(users == null ? " unknown" : " users");
        while (users != null && users.hasNext()) {
            text.append(' ').append(users.next().getSaasUserGuid());
        }
        Iterator<SaasGroupData> groups = group.getSubGroupMembersIterator();
        text.append(groups == null ? " unknown" : " groups");
        while (groups != null && groups.hasNext()) {
            text.append(' ').append(groups.next().getGuid());
        }
        return text.toString();
    }

    /** A heading on the screen. */
    public static class Heading extends FieldDescriptor {
        private static final long serialVersionUID = 1L;

        public Heading(String text) {
            super(text, "");
        }
    }
}
