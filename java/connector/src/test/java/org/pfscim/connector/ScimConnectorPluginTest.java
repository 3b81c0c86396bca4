package org.pfscim.connector;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasPluginFieldInfo;
import com.pingidentity.provisioner.sdk.SaasUserData;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.BeforeClass;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.conf.SimpleFieldList;
import org.sourceid.saml20.adapter.gui.CheckBoxFieldDescriptor;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;
import org.sourceid.saml20.adapter.gui.SelectFieldDescriptor;
import org.sourceid.saml20.adapter.gui.TextFieldDescriptor;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.ValidationException;

public class ScimConnectorPluginTest {

    /** No server listens on port 1, which is reserved. */
    private static final String UNREACHABLE = "http://127.0.0.1:1/scim";
    private static final String SECRET = "s3cret-value";

    private final ScimConnectorPlugin plugin = new ScimConnectorPlugin();

    @BeforeClass
    public static void library() throws Exception {
        TestLibrary.load();
    }

    @Test
    public void the_template_has_the_id_of_the_connector() {
        ScimProvisionerTemplate template = new ScimProvisionerTemplate();
        assertEquals("PfScim", plugin.getId());
        assertEquals(plugin.getId(), template.getId());
        assertEquals("SCIM Connector", plugin.getDescription());
        assertEquals("SCIM Provisioner", template.getDescription());
        assertEquals(Collections.singletonMap("FipsStatus", "NOT_COMPLIANT"), plugin.getMetadata());
    }

    @Test
    public void each_setting_has_the_row_type_of_its_kind() {
        Map<String, FieldDescriptor> settings = plugin.getConnectionParameterDescriptors().stream()
            .collect(Collectors.toMap(FieldDescriptor::getName, Function.identity()));
        assertEquals("SCIM URL", settings.get("SCIM_URL").getLabel());
        assertFalse(((TextFieldDescriptor) settings.get("SCIM_URL")).isEncrypted());
        assertTrue(((TextFieldDescriptor) settings.get("BASIC_AUTH_PASSWORD")).isEncrypted());
        assertTrue(settings.get("CREATE_USERS_PROV_OPT") instanceof CheckBoxFieldDescriptor);
        FieldDescriptor version = settings.get("SCIM_VERSION");
        assertEquals(2, ((SelectFieldDescriptor) version).getOptionValues().size());
        assertEquals("2.0", version.getDefaultValue());
        assertEquals("a connection saved before the setting existed has the default", "2.0",
            version.getDefaultForLegacyConfig());
        assertTrue(settings.values().stream().anyMatch(ScimProvisioningTargetLabelFieldDescriptor.class::isInstance));
    }

    @Test
    public void the_console_rejects_invalid_values() {
        assertThrows(ValidationException.class, validation("SCIM_URL", ""));
        assertThrows(ValidationException.class, validation("SCIM_URL", "ftp://example.com"));
        assertThrows(ValidationException.class, validation("RESULTS_PER_PAGE", "many"));
    }

    @Test
    public void the_console_accepts_valid_values() throws Throwable {
        validation("SCIM_URL", "https://scim.example.com/v2/").run();
        validation("RESULTS_PER_PAGE", "-1").run();
        validation("RESULTS_PER_PAGE", "").run();
    }

    @Test
    public void the_standard_fields_are_listed_without_parameters() throws Exception {
        List<SaasPluginFieldInfo> fields = plugin.getFieldInfo();
        assertEquals("userName", fields.get(0).getCode());
        assertTrue(fields.get(0).isRequired());
        assertTrue(fields.get(0).isUnique());
        assertTrue("a warning names a member without id by it", fields.get(0).isPersistForMembership());
        assertTrue(fields.stream().anyMatch(field -> field.getCode().equals("workEmail")));
        assertFalse("the console offers to refresh the list", plugin.hasLocalFieldsInfo());
    }

    @Test
    public void the_default_mapping_has_the_user_name() throws Exception {
        assertNotNull(plugin.loadDefaultMappings().getProperty("saas.userName"));
    }

    @Test
    public void the_identifier_field_is_the_configured_one() {
        assertEquals("userName", plugin.getSaasUsernameFieldCode());
        plugin.setParameters(settings("UNIQUE_USER_IDENTIFIER", "workEmail"));
        assertEquals("workEmail", plugin.getSaasUsernameFieldCode());
        assertEquals("workEmail", plugin.getSaasUserIdFieldName());
    }

    @Test
    public void groups_are_named_by_dn_if_configured() {
        assertTrue(plugin.isConfiguredForGroups());
        assertFalse(plugin.isUsingDnAsGroupName());
        plugin.setParameters(settings("GROUP_NAME_SOURCE", "Distinguished Name"));
        assertTrue(plugin.isUsingDnAsGroupName());
    }

    @Test
    public void without_target_settings_every_call_fails_and_stops_the_cycle() {
        for (ThrowingRunnable call : new ThrowingRunnable[] {
            plugin::checkSaasConnection,
            () -> plugin.getUser("1", "jdoe"),
            () -> plugin.createUser(new SaasUserData(null)),
            () -> plugin.updateUser(null, new SaasUserData("1")),
            () -> plugin.deprovisionUser(null, new SaasUserData("1")),
        }) {
            SaasPluginException thrown = assertThrows(SaasPluginException.class, call);
            assertTrue(thrown.getMessage(), thrown.getMessage().startsWith("config: the connection has no target settings"));
            assertTrue(thrown.isStopSession());
        }
    }

    @Test
    public void an_invalid_setting_is_reported_with_its_code_and_stops_the_cycle() {
        plugin.setParameters(settings("SCIM_URL", "not a url"));
        SaasPluginException thrown = assertThrows(SaasPluginException.class, () -> plugin.getUser("1", "jdoe"));
        assertTrue(thrown.getMessage(), thrown.getMessage().matches("config: .*SCIM URL.*"));
        assertTrue(thrown.isStopSession());
        assertFalse(thrown.getMessage().contains(SECRET));
    }

    @Test
    public void an_unreachable_target_is_a_transport_failure_of_the_record() {
        plugin.setParameters(settings("SCIM_URL", UNREACHABLE));
        SaasPluginException thrown = assertThrows(SaasPluginException.class, () -> plugin.getUser("1", "jdoe"));
        assertTrue(thrown.getMessage(), thrown.getMessage().startsWith("transport: "));
        assertFalse(thrown.isStopSession());
        assertFalse(thrown.getMessage(), thrown.getMessage().contains("jdoe") || thrown.getMessage().contains(SECRET));
    }

    @Test
    public void an_invalid_timeout_names_the_property() throws Exception {
        plugin.setParameters(settings("SCIM_URL", UNREACHABLE));
        for (String invalid : new String[] {"soon", "0", "-5", "", "1e9"}) {
            SaasPluginException thrown = TestLibrary.withProperty(NativeConnector.OPERATION_TIMEOUT_PROPERTY, invalid,
                () -> assertThrows(SaasPluginException.class, () -> plugin.getUser("1", "jdoe")));
            assertTrue(thrown.getMessage(), thrown.getMessage().startsWith("config: ")
                && thrown.getMessage().contains(NativeConnector.OPERATION_TIMEOUT_PROPERTY));
        }
    }

    @Test
    public void half_a_surrogate_pair_fails_only_its_record() throws Exception {
        plugin.setParameters(settings("SCIM_URL", UNREACHABLE));
        SaasUserData user = new SaasUserData(null);
        user.addAttribute("userName", "jdoe\ud800");
        SaasPluginException thrown = assertThrows(SaasPluginException.class, () -> plugin.createUser(user));
        assertTrue(thrown.getMessage(), thrown.getMessage().startsWith("protocol: "));
        assertFalse(thrown.isStopSession());
    }

    @Test
    public void unreadable_members_fail_the_group_before_anything_is_sent() throws Exception {
        plugin.setParameters(settings("SCIM_URL", UNREACHABLE));
        SaasGroupData group = new SaasGroupData("staff", null);
        group.setMembersIterator(Stream.<SaasUserData>generate(() -> {
            throw new IllegalStateException("the database is closed");
        }).iterator());
        for (ThrowingRunnable call : new ThrowingRunnable[] {
            () -> plugin.createGroup(group),
            () -> plugin.updateGroup(group, true),
        }) {
            SaasPluginException thrown = assertThrows(SaasPluginException.class, call);
            assertTrue(thrown.getMessage(), thrown.getMessage().endsWith(", so nothing was sent"));
            assertFalse(thrown.isStopSession());
        }
    }

    @Test
    public void a_group_without_a_name_is_rejected() throws Exception {
        plugin.setParameters(settings("SCIM_URL", UNREACHABLE));
        SaasGroupData group = new SaasGroupData(null, null);
        for (ThrowingRunnable call : new ThrowingRunnable[] {
            () -> plugin.doesGroupExist(group),
            () -> plugin.createGroup(group),
            () -> plugin.updateGroup(group, false),
        }) {
            SaasPluginException thrown = assertThrows(SaasPluginException.class, call);
            assertEquals("rejected: the source contains no name for this group", thrown.getMessage());
        }
    }

    @Test
    public void a_session_may_be_closed_twice_and_used_again() throws Exception {
        plugin.closeSaasConnection();
        SimpleFieldList settings = settings("SCIM_URL", UNREACHABLE);
        plugin.setParameters(settings);
        plugin.initSaasConnection(settings.getFields());
        plugin.closeSaasConnection();
        plugin.closeSaasConnection();
        SaasPluginException thrown = assertThrows(SaasPluginException.class, () -> plugin.getUser("1", "jdoe"));
        assertTrue(thrown.getMessage(), thrown.getMessage().startsWith("transport: "));
    }

    @Test
    public void changed_parameters_close_the_open_session() throws Exception {
        SimpleFieldList settings = settings("SCIM_URL", UNREACHABLE);
        plugin.setParameters(settings);
        plugin.initSaasConnection(settings.getFields());
        plugin.setParameters(settings("SCIM_URL", "not a url"));
        SaasPluginException thrown = assertThrows(SaasPluginException.class, () -> plugin.getUser("1", "jdoe"));
        assertTrue(thrown.getMessage(), thrown.getMessage().startsWith("config: "));
    }

    @Test
    public void settings_and_channel_id_survive_serialization() throws Exception {
        SimpleFieldList settings = settings("SCIM_URL", UNREACHABLE);
        plugin.setParameters(settings);
        plugin.setChannelId(7);
        plugin.initSaasConnection(settings.getFields());
        ScimConnectorPlugin copy = copy(plugin);
        assertEquals(7, copy.getChannelId());
        assertThrows(SaasPluginException.class, () -> copy.getUser("1", "jdoe"));
        copy.closeSaasConnection();
        plugin.closeSaasConnection();
    }

    @Test
    public void closing_during_calls_does_not_disturb_them() throws Exception {
        SimpleFieldList settings = settings("SCIM_URL", UNREACHABLE);
        plugin.setParameters(settings);
        List<String> messages = Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Thread thread = new Thread(() -> {
                for (int call = 0; call < 25; call++) {
                    try {
                        plugin.doesGroupExist(new SaasGroupData("", null));
                    } catch (SaasPluginException e) {
                        messages.add(e.getMessage());
                    }
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (int i = 0; i < 50; i++) {
            plugin.initSaasConnection(settings.getFields());
            plugin.closeSaasConnection();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(100, messages.size());
        messages.forEach(m -> assertTrue(m, m.startsWith("rejected: ") || m.contains("it was closed, or never opened")));
    }

    private ThrowingRunnable validation(String name, String value) {
        FieldDescriptor descriptor = plugin.getConnectionParameterDescriptors().stream()
            .filter(d -> d.getName().equals(name)).findFirst().orElseThrow(AssertionError::new);
        return () -> {
            for (FieldValidator validator : descriptor.getValidationChain()) {
                validator.validate(new Field(name, value));
            }
        };
    }

    private static SimpleFieldList settings(String name, String value) {
        List<Field> fields = new ArrayList<>();
        fields.add(new Field("HEADING_BASIC", null));
        fields.add(new Field("BASIC_AUTH_PASSWORD", SECRET));
        if (!name.equals("SCIM_URL")) {
            fields.add(new Field("SCIM_URL", UNREACHABLE));
        }
        fields.add(new Field(name, value));
        return new SimpleFieldList(fields);
    }

    private static ScimConnectorPlugin copy(ScimConnectorPlugin plugin) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(plugin);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (ScimConnectorPlugin) in.readObject();
        }
    }
}
