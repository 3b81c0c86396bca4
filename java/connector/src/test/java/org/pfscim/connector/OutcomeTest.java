package org.pfscim.connector;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasUserData;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Test;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.conf.SimpleFieldList;

/**
 * Tests how the result of an operation reaches the host: value, log lines or exception. The target has one user or none.
 * Tests with real servers check what a target does with a user.
 */
public class OutcomeTest {

    private static final String EMPTY_LIST = "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],"
        + "\"totalResults\":0,\"Resources\":[]}";
    private static final String USER = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"42\","
        + "\"userName\":\"jdoe\",\"active\":false,\"title\":\"\ud83d\ude00\"}";

    private static final String GROUP = "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"id\":\"42\","
        + "\"displayName\":\"staff\"}";

    private HttpServer target;
    private volatile String postBody = "";
    private volatile int postStatus = 201;
    private volatile String searchResponse = EMPTY_LIST;
    private volatile LogLines.Action onRequest = () -> { };
    private final ScimConnectorPlugin plugin = new ScimConnectorPlugin();

    @BeforeClass
    public static void library() throws Exception {
        TestLibrary.load();
    }

    @Before
    public void start() throws IOException {
        target = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        target.createContext("/", this::respond);
        target.start();
    }

    @After
    public void stop() throws Exception {
        plugin.closeSaasConnection();
        target.stop(0);
    }

    @Test
    public void a_create_returns_the_id_and_logs_its_outcome_once() throws Exception {
        settings("true");
        List<String> logged = LogLines.of(() -> assertEquals("42", plugin.createUser(user())));
        assertEquals(1, Collections.frequency(logged, "INFO outcome=created id=42"));
        assertEquals(logged.toString(), "INFO outcome=created id=42", logged.get(logged.size() - 1));
    }

    @Test
    public void a_skipped_create_returns_null_and_warns_before_its_outcome() throws Exception {
        settings("false");
        List<String> logged = LogLines.of(() -> assertNull(plugin.createUser(user())));
        int outcome = logged.size() - 1;
        assertTrue(logged.toString(), logged.get(outcome).startsWith("INFO outcome=skipped"));
        assertTrue(logged.toString(), logged.get(outcome - 1).matches("WARNING .*User Create.*"));
    }

    @Test
    public void a_rejected_create_is_an_exception_with_its_code_and_the_cycle_continues() throws Exception {
        settings("true");
        postStatus = 400;
        List<String> logged = LogLines.of(() -> {
            SaasPluginException thrown = assertThrows(SaasPluginException.class, () -> plugin.createUser(user()));
            assertTrue(thrown.getMessage(), thrown.getMessage().startsWith("rejected: "));
            assertFalse(thrown.isStopSession());
        });
        assertFalse(logged.toString(), logged.stream().anyMatch(line -> line.contains("outcome=")));
    }

    @Test
    public void an_existing_user_is_returned_as_a_record() throws Exception {
        settings("true");
        assertNull(plugin.getUser(null, "jdoe"));
        searchResponse = listOf(USER);
        plugin.closeSaasConnection();
        SaasUserData user = plugin.getUser("", "jdoe");
        assertEquals("42", user.getSaasUserGuid());
        assertFalse(user.isAccountEnabled());
        assertEquals("jdoe", user.getAttributeFirstValue("userName"));
        assertEquals("\ud83d\ude00", user.getAttributeFirstValue("title"));
    }

    @Test
    public void a_group_found_by_name_gets_its_id() throws Exception {
        settings("true");
        SaasGroupData group = new SaasGroupData("staff", null);
        assertFalse(plugin.doesGroupExist(group));
        assertFalse(group.hasGuid());
        searchResponse = listOf(GROUP);
        plugin.closeSaasConnection();
        assertTrue(plugin.doesGroupExist(group));
        assertEquals("42", group.getGuid());
    }

    @Test
    public void a_new_group_is_sent_with_its_members_and_a_warning_names_members_without_id() throws Exception {
        settings("true");
        SaasUserData newcomer = new SaasUserData(null);
        newcomer.addAttribute("userName", "newcomer");
        SaasGroupData nested = new SaasGroupData("nested", null);
        nested.setGuid("g7");
        SaasGroupData group = new SaasGroupData("staff", null);
        group.setMembersIterator(Arrays.asList(new SaasUserData("u1"), null, newcomer).iterator());
        group.setSubGroupsIterator(Collections.singletonList(nested).iterator());
        List<String> logged = LogLines.of(() -> assertEquals("42", plugin.createGroup(group)));
        assertTrue(postBody, postBody.contains("\"u1\"") && postBody.contains("\"g7\""));
        assertTrue(logged.toString(), logged.stream().anyMatch(line -> line.matches("WARNING .*newcomer.*")));
        assertTrue(logged.toString(), logged.contains("INFO outcome=created id=42"));
    }

    @Test
    public void unknown_members_are_not_sent_as_an_empty_list() throws Exception {
        settings("true");
        plugin.createGroup(new SaasGroupData("staff", null));
        assertFalse(postBody, postBody.contains("members"));
    }

    @Test
    public void closing_lets_a_running_call_finish() throws Exception {
        settings("true");
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        onRequest = () -> {
            arrived.countDown();
            release.await(60, TimeUnit.SECONDS);
        };
        FutureTask<String> call = new FutureTask<>(() -> plugin.createUser(user()));
        new Thread(call).start();
        assertTrue(arrived.await(60, TimeUnit.SECONDS));
        plugin.closeSaasConnection();
        onRequest = () -> { };
        release.countDown();
        assertEquals("42", call.get(60, TimeUnit.SECONDS));
    }

    private static String listOf(String resource) {
        return EMPTY_LIST.replace(":0", ":1").replace("[]", "[" + resource + "]");
    }

    private static SaasUserData user() {
        SaasUserData user = new SaasUserData(null);
        user.setAccountEnabled(true);
        user.addAttribute("userName", "jdoe");
        user.getAttributeMap().put("title", Collections.singletonList(null));
        user.getAttributeMap().put("nickName", null);
        return user;
    }

    private void settings(String create) {
        List<Field> fields = new ArrayList<>();
        fields.add(new Field("SCIM_URL", "http://127.0.0.1:" + target.getAddress().getPort() + "/v2"));
        fields.add(new Field("CREATE_USERS_PROV_OPT", create));
        plugin.setParameters(new SimpleFieldList(fields));
    }

    private void respond(HttpExchange exchange) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try (InputStream in = exchange.getRequestBody()) {
            for (int b = in.read(); b >= 0; b = in.read()) {
                body.write(b);
            }
        }
        try {
            onRequest.run();
        } catch (Exception e) {
            throw new IOException(e);
        }
        boolean post = exchange.getRequestMethod().equals("POST");
        String path = exchange.getRequestURI().getPath();
        String resource = path.contains("/Groups") ? GROUP : post ? USER.replace("false", "true") : USER;
        if (post) {
            postBody = body.toString("UTF-8");
        }
        byte[] response = (post || path.endsWith("/42") ? resource : searchResponse).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", "application/scim+json");
        exchange.sendResponseHeaders(post ? postStatus : 200, response.length);
        exchange.getResponseBody().write(response);
        exchange.close();
    }
}
