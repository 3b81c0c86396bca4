package org.pfscim.spi;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import com.pingidentity.provisioner.mapping.FieldConfig;
import com.pingidentity.provisioner.mapping.FieldInfo;
import com.pingidentity.provisioner.saas.SaasException;
import com.pingidentity.provisioner.sdk.AbstractSaasPlugin;
import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasPluginFieldInfo;
import com.pingidentity.provisioner.sdk.SaasUserData;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.Test;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.conf.SimpleFieldList;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;
import org.sourceid.saml20.adapter.gui.SelectFieldDescriptor;
import org.sourceid.saml20.adapter.gui.TextFieldDescriptor;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.ValidationException;
import org.sourceid.saml20.adapter.gui.validation.impl.HttpURLValidator;
import org.sourceid.saml20.adapter.gui.validation.impl.IntegerValidator;
import org.sourceid.saml20.adapter.gui.validation.impl.RegExValidator;
import org.sourceid.saml20.adapter.gui.validation.impl.RequiredFieldValidator;

/** Tests the behaviour of the declarations on which the Java host relies. */
public class BehaviourTest {
    @Test
    public void a_fields_file_is_read_in_the_order_of_the_screen() throws Exception {
        List<FieldInfo> fields = parse("userName.label=User Name", "userName.required=true", "userName.min=1",
            "userName.max=20", "userName.persistForMembership=true", "name.sub.label=Sub", "name.sub.multi=true",
            "kind.label=Art\\u00fc", "kind.option.label=A label", "kind.option.work=Work", "kind.default=work",
            "kind.note.1=first", "kind.note.2=second", "userName.regex=[a-z]+", "userName.unique=true",
            "raw.label=Raw", "raw.ldapMap=true");
        assertEquals(Arrays.asList("userName", "name.sub", "kind", "raw"), codes(fields));
        FieldInfo userName = fields.get(0);
        assertTrue(userName.isRequired() && userName.isUnique() && userName.isPersistForMembership());
        assertFalse(userName.isMultiValue());
        assertEquals("1 20 [a-z]+", userName.getMinLength() + " " + userName.getMaxLength() + " " + userName.getRegEx());
        assertTrue(fields.get(1).isMultiValue());
        FieldInfo kind = fields.get(2);
        assertEquals("Artü", kind.getLabel());
        assertEquals("label", kind.getOptions().get(0).getCode());
        assertEquals("Work", kind.getOptions().get(1).getLabel());
        assertEquals("work", kind.getDefault());
        assertEquals(Arrays.asList("first", "second"), kind.getNotes());
        assertTrue(fields.get(3).isLdapMap());
    }

    @Test
    public void an_invalid_fields_file_is_rejected() {
        for (String line : new String[] {"userName.required=true", "a.label=A\na.requierd=true", "label=A",
            "a.label=A\na.required=yes", "a.label=A\na.min=one"}) {
            try {
                parse(line);
            } catch (IOException rejected) {
                continue;
            }
            throw new AssertionError("accepted: " + line);
        }
    }

    @Test
    public void a_value_is_checked_by_the_rules_of_its_field() throws Exception {
        FieldInfo field = parse("a.label=A", "a.required=true", "a.min=2", "a.max=3", "a.regex=[a-z]*").get(0);
        assertEquals(0, messageCount(field, "abc"));
        assertEquals(1, messageCount(field, ""));
        assertEquals(1, messageCount(field, "a"));
        assertEquals(1, messageCount(field, "abcd"));
        assertEquals(2, messageCount(field, "ABCD"));
        FieldInfo choice = parse("b.label=B", "b.option.x=X").get(0);
        assertEquals(0, messageCount(choice, "x"));
        assertEquals(0, messageCount(choice, null));
        assertEquals(1, messageCount(choice, "y"));
        List<String> messages = new ArrayList<>();
        assertFalse(choice.validate(Arrays.asList("y", "x", "z"), messages));
        assertEquals(2, messages.size());
        assertFalse(field.validate(Collections.<String>emptyList(), messages));
    }

    @Test
    public void default_mappings_fall_back_to_the_default_directory_type() throws Exception {
        Plugin plugin = new Plugin();
        plugin.mappings.load(new StringReader("saas.userName=uid\nsaas.password=password\nsaas.nick=nick\n"
            + "directory.activedirectory.uid=sAMAccountName\ndirectory.default.uid=uid\n"
            + "directory.default.nick=nickName\nfieldconfig.password.createonly=true\nfieldconfig.password.mask=true\n"));
        List<FieldInfo> fields = Arrays.asList(new FieldInfo("userName", "U"), new FieldInfo("password", "P"),
            new FieldInfo("nick", "N"), new FieldInfo("other", "O"));
        Map<String, FieldConfig> active = plugin.createDefaultMapping("activedirectory", fields);
        assertEquals(Arrays.asList("userName", "password", "nick"), new ArrayList<>(active.keySet()));
        assertEquals(Arrays.asList("sAMAccountName"), active.get("userName").getAttributeNames());
        assertEquals(Arrays.asList("nickName"), active.get("nick").getAttributeNames());
        assertEquals(Collections.emptyList(), active.get("password").getAttributeNames());
        assertTrue(active.get("password").isCreateOnly() && active.get("password").isMasked());
        assertFalse(active.get("nick").isCreateOnly() || active.get("nick").isMasked());
        Map<String, FieldConfig> other = plugin.createDefaultMapping("default", fields);
        assertEquals(Arrays.asList("uid"), other.get("userName").getAttributeNames());
    }

    @Test
    public void a_session_is_init_check_and_close_with_the_parameters() throws Exception {
        Plugin plugin = new Plugin();
        plugin.setParameters(new SimpleFieldList(Arrays.asList(new Field("URL", "x"), new Field("ON", "true"))));
        plugin.startSession();
        assertTrue(plugin.isSessionStarted());
        plugin.checkSession();
        plugin.stopSession();
        assertFalse(plugin.isSessionStarted());
        assertEquals(Arrays.asList("init [URL, ON]", "check", "close"), plugin.journal);
    }

    @Test
    public void a_session_that_cannot_start_is_not_started() throws Exception {
        Plugin plugin = new Plugin();
        plugin.setParameters(new SimpleFieldList(new ArrayList<Field>()));
        try {
            plugin.startSession();
            throw new AssertionError("started");
        } catch (SaasException expected) {
            assertFalse(plugin.isSessionStarted());
        }
    }

    @Test
    public void a_removal_is_an_update_of_a_disabled_user_unless_overridden() throws Exception {
        Plugin plugin = new Plugin();
        assertEquals("7", plugin.deprovisionUser(new SaasUserData("7"), new SaasUserData("7")));
        assertEquals(Arrays.asList("update enabled -> disabled"), plugin.journal);
    }

    @Test
    public void the_field_list_is_loaded_once() throws Exception {
        Plugin plugin = new Plugin();
        assertEquals(Arrays.asList("userName"), codes(plugin.getFieldsInfo()));
        assertSame(plugin.getFieldsInfo(), plugin.getFieldsInfo());
        assertEquals(Arrays.asList("fields"), plugin.journal);
    }

    @Test
    public void the_attributes_of_a_user_are_a_modifiable_map_of_lists() {
        SaasUserData user = new SaasUserData("1");
        user.addAttribute("roles", "a");
        user.addAttribute("roles", Arrays.asList("b", "c"));
        user.getAttributeMap().put("title", Arrays.asList("Dr"));
        assertEquals(Arrays.asList("a", "b", "c"), user.getAttributeValues("roles"));
        assertEquals("Dr", user.getAttributeFirstValue("title"));
        assertNull(user.getAttributeFirstValue("city"));
        assertFalse(user.toString(), user.toString().contains("Dr"));
    }

    @Test
    public void parameters_are_read_by_name_and_type_and_printed_without_values() {
        SimpleFieldList list = new SimpleFieldList(Arrays.asList(new Field("N", " 12 "), new Field("B", "TRUE"),
            new Field("X", "secret")));
        assertEquals(12, list.getIntFieldValue("N"));
        assertTrue(list.getBooleanFieldValue("B"));
        assertEquals(Field.DEFAULT_NUM_VAL, list.getIntFieldValue("X"));
        assertNull(list.getFieldValue("missing"));
        assertEquals(Arrays.asList("N", "B", "X"), list.getFieldNames());
        assertFalse(list.toString(), list.toString().contains("secret"));
    }

    @Test
    public void the_validators_of_a_row_reject_invalid_values() {
        FieldDescriptor row = new TextFieldDescriptor("ROW", "");
        row.addValidator(new IntegerValidator(1, 9), true);
        assertEquals("", validationMessage(row, ""));
        assertEquals("", validationMessage(row, "9"));
        assertEquals("ROW must be a whole number from 1 to 9", validationMessage(row, "10"));
        row.addValidator(new RequiredFieldValidator());
        assertEquals("ROW needs a value", validationMessage(row, ""));
        FieldDescriptor url = new TextFieldDescriptor("URL", "");
        url.addValidator(new HttpURLValidator());
        assertEquals("", validationMessage(url, "https://[::1]:8080/scim?a=b"));
        for (String invalid : new String[] {"", "ftp://host", "http:/host", "host", "http://a b"}) {
            assertEquals("URL must be an http or https URL", validationMessage(url, invalid));
        }
        FieldDescriptor expression = new TextFieldDescriptor("RE", "");
        RegExValidator letters = new RegExValidator("[a-z]+");
        letters.setMessageFormat("{0}: letters only");
        expression.addValidator(letters);
        assertEquals("RE: letters only", validationMessage(expression, "a1"));
    }

    @Test
    public void a_choice_is_shown_with_its_label() {
        SelectFieldDescriptor row = new SelectFieldDescriptor("ROW", "", Arrays.asList(
            new SelectFieldDescriptor.OptionValue("First", "1"), new SelectFieldDescriptor.OptionValue("Second", "2")));
        assertEquals("Second", row.getFormattedValue("2"));
        assertEquals("3", row.getFormattedValue("3"));
    }

    private static List<FieldInfo> parse(String... lines) throws IOException {
        return FieldInfo.parseFieldsInfo(
            new ByteArrayInputStream(String.join("\n", lines).getBytes(StandardCharsets.ISO_8859_1)));
    }

    private static List<String> codes(List<FieldInfo> fields) {
        List<String> codes = new ArrayList<>();
        fields.forEach(field -> codes.add(field.getCode()));
        return codes;
    }

    private static int messageCount(FieldInfo field, String value) {
        List<String> messages = new ArrayList<>();
        boolean isValid = field.validate(value, messages);
        assertEquals(isValid, messages.isEmpty());
        return messages.size();
    }

    private static String validationMessage(FieldDescriptor row, String value) {
        try {
            for (FieldValidator validator : row.getValidationChain()) {
                validator.validate(new Field(row.getName(), value));
            }
            return "";
        } catch (ValidationException rejected) {
            return rejected.getMessage();
        }
    }

    /** A connector with a journal of calls. */
    private static final class Plugin extends AbstractSaasPlugin {
        private static final long serialVersionUID = 1L;

        private final List<String> journal = new ArrayList<>();
        private final Properties mappings = new Properties();

        @Override
        public String getId() {
            return "Test";
        }

        @Override
        public String getDescription() {
            return "";
        }

        @Override
        public List<FieldDescriptor> getConnectionParameterDescriptors() {
            return Collections.emptyList();
        }

        @Override
        public List<SaasPluginFieldInfo> getFieldInfo() {
            journal.add("fields");
            return Collections.singletonList(new SaasPluginFieldInfo("userName", "User Name"));
        }

        @Override
        public String getSaasUserIdFieldName() {
            return "userName";
        }

        @Override
        public void initSaasConnection(List<Field> parameters) throws SaasPluginException {
            if (parameters.isEmpty()) {
                throw new SaasPluginException("no parameter is set");
            }
            journal.add("init " + parameters);
        }

        @Override
        public void checkSaasConnection() {
            journal.add("check");
        }

        @Override
        public void closeSaasConnection() {
            journal.add("close");
        }

        @Override
        public SaasUserData getUser(String saasUserGuid, String saasUsername) {
            return null;
        }

        @Override
        public String createUser(SaasUserData user) {
            return null;
        }

        @Override
        public String updateUser(SaasUserData existing, SaasUserData updated) {
            journal.add("update " + status(existing) + " -> " + status(updated));
            return updated.getSaasUserGuid();
        }

        @Override
        protected Properties loadDefaultMappings() {
            return mappings;
        }

        private static String status(SaasUserData user) {
            return user.isAccountEnabled() ? "enabled" : "disabled";
        }
    }
}
