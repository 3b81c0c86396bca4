import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import de.captaingoldfish.scim.sdk.common.constants.enums.HttpMethod;
import de.captaingoldfish.scim.sdk.common.constants.enums.SortOrder;
import de.captaingoldfish.scim.sdk.common.exceptions.ConflictException;
import de.captaingoldfish.scim.sdk.common.exceptions.ResourceNotFoundException;
import de.captaingoldfish.scim.sdk.common.resources.Group;
import de.captaingoldfish.scim.sdk.common.resources.ResourceNode;
import de.captaingoldfish.scim.sdk.common.resources.ServiceProvider;
import de.captaingoldfish.scim.sdk.common.resources.User;
import de.captaingoldfish.scim.sdk.common.resources.complex.ETagConfig;
import de.captaingoldfish.scim.sdk.common.resources.complex.FilterConfig;
import de.captaingoldfish.scim.sdk.common.resources.complex.Meta;
import de.captaingoldfish.scim.sdk.common.resources.complex.PatchConfig;
import de.captaingoldfish.scim.sdk.common.resources.complex.SortConfig;
import de.captaingoldfish.scim.sdk.common.resources.multicomplex.AuthenticationScheme;
import de.captaingoldfish.scim.sdk.common.response.ScimResponse;
import de.captaingoldfish.scim.sdk.common.schemas.SchemaAttribute;
import de.captaingoldfish.scim.sdk.common.utils.JsonHelper;
import de.captaingoldfish.scim.sdk.server.endpoints.Context;
import de.captaingoldfish.scim.sdk.server.endpoints.ResourceEndpoint;
import de.captaingoldfish.scim.sdk.server.endpoints.ResourceHandler;
import de.captaingoldfish.scim.sdk.server.endpoints.authorize.Authorization;
import de.captaingoldfish.scim.sdk.server.endpoints.base.GroupEndpointDefinition;
import de.captaingoldfish.scim.sdk.server.endpoints.base.UserEndpointDefinition;
import de.captaingoldfish.scim.sdk.server.filter.FilterNode;
import de.captaingoldfish.scim.sdk.server.response.PartialListResponse;
import de.captaingoldfish.scim.sdk.server.schemas.ResourceType;
import de.captaingoldfish.scim.sdk.server.schemas.custom.ETagFeature;
import de.captaingoldfish.scim.sdk.server.schemas.custom.ResourceTypeFeatures;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Runs the server of SCIM-SDK (SCIM 2.0) behind the JDK's own HTTP server, with users and groups in memory.
 *
 * <p>The library implements SCIM: paths, schemas, filters, patch operations, errors. This class has only the store, the
 * one account that may authenticate, and HTTP.
 */
public final class ScimSdkServer {
    private static final String BASE = "/scim/v2";

    private ScimSdkServer() {}

    /** Reads the settings (`user`, `password`) as one JSON line, prints the port, ends when standard input closes. */
    public static void main(String[] arguments) throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        JsonNode settings = new ObjectMapper().readTree(input.readLine());
        Account account = new Account(settings.get("user").asText(), settings.get("password").asText());

        HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ResourceEndpoint endpoint = endpoint();
        http.createContext(BASE, exchange -> respond(exchange, endpoint, account));
        http.setExecutor(Executors.newFixedThreadPool(8));
        http.start();
        System.out.println(http.getAddress().getPort());

        while (input.readLine() != null) {
            // Further lines are ignored.
        }
        System.exit(0);
    }

    private static ResourceEndpoint endpoint() {
        ServiceProvider provider = ServiceProvider.builder()
            .filterConfig(FilterConfig.builder().supported(true).maxResults(1000).build())
            .patchConfig(PatchConfig.builder().supported(true).build())
            .sortConfig(SortConfig.builder().supported(true).build())
            .authenticationSchemes(List.of(AuthenticationScheme.builder()
                .name("Basic").description("HTTP Basic").type("httpbasic").build()))
            .eTagConfig(ETagConfig.builder().supported(true).build())
            .build();
        ResourceEndpoint endpoint = new ResourceEndpoint(provider);
        ResourceType users = endpoint.registerEndpoint(new UserEndpointDefinition(new Users()));
        ResourceType groups = endpoint.registerEndpoint(new GroupEndpointDefinition(new Groups()));
        for (ResourceType type : List.of(users, groups)) {
            // The library filters, sorts and makes entity tags, so the store need not.
            type.setFeatures(ResourceTypeFeatures.builder()
                .autoFiltering(true)
                .autoSorting(true)
                .eTagFeature(ETagFeature.builder().enabled(true).build())
                .build());
        }
        return endpoint;
    }

    private static void respond(HttpExchange exchange, ResourceEndpoint endpoint, Account account) throws IOException {
        try (exchange) {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            Map<String, String> headers = new LinkedHashMap<>();
            exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, String.join(",", values)));
            String url = "http://" + headers.get("Host") + exchange.getRequestURI();
            HttpMethod method = HttpMethod.valueOf(exchange.getRequestMethod());
            ScimResponse response =
                endpoint.handleRequest(url, method, body.isEmpty() ? null : body, headers, new Context(account));
            response.getHttpHeaders().forEach((name, value) -> exchange.getResponseHeaders().set(name, value));
            byte[] content = response.isEmpty() ? new byte[0] : response.toString().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(response.getHttpStatus(), content.length == 0 ? -1 : content.length);
            if (content.length > 0) {
                exchange.getResponseBody().write(content);
            }
        }
    }

    /** The one account, which authenticates with HTTP Basic. */
    private record Account(String user, String password) implements Authorization {
        @Override
        public Set<String> getClientRoles() {
            return Set.of();
        }

        @Override
        public boolean authenticate(Map<String, String> headers, Map<String, String> query) {
            String expected = "Basic "
                + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
            return headers.entrySet().stream()
                .anyMatch(header -> header.getKey().equalsIgnoreCase("Authorization")
                    && header.getValue().equals(expected));
        }
    }

    private static final class Users extends Store<User> {
        Users() {
            super("User", user -> user.getUserName().orElse(""));
        }
    }

    private static final class Groups extends Store<Group> {
        Groups() {
            super("Group", group -> group.getDisplayName().orElse(""));
        }
    }

    /** Resources of one type by id, in the order of creation. A name must be unique, without regard to case. */
    private abstract static class Store<T extends ResourceNode> extends ResourceHandler<T> {
        private final Map<String, T> resources = new LinkedHashMap<>();
        private final String type;
        private final Function<T, String> name;

        Store(String type, Function<T, String> name) {
            this.type = type;
            this.name = name;
        }

        @Override
        public synchronized T createResource(T resource, Context context) {
            rejectDuplicateName(resource, null);
            String id = UUID.randomUUID().toString();
            resource.setId(id);
            stamp(resource, Instant.now());
            return store(id, resource);
        }

        @Override
        public synchronized T getResource(
            String id, List<SchemaAttribute> attributes, List<SchemaAttribute> excluded, Context context) {
            return copy(resources.get(id));
        }

        @Override
        public synchronized PartialListResponse<T> listResources(
            long startIndex, int count, FilterNode filter, SchemaAttribute sortBy, SortOrder order,
            List<SchemaAttribute> attributes, List<SchemaAttribute> excluded, Context context) {
            return PartialListResponse.<T>builder()
                .resources(resources.values().stream().map(this::copy).collect(Collectors.toList()))
                .totalResults(resources.size())
                .build();
        }

        @Override
        public synchronized T updateResource(T resource, Context context) {
            String id = resource.getId().orElseThrow();
            T before = resources.get(id);
            if (before == null) {
                throw new ResourceNotFoundException("no " + type + " has the id " + id);
            }
            rejectDuplicateName(resource, id);
            stamp(resource, before.getMeta().flatMap(Meta::getCreated).orElseThrow());
            return store(id, resource);
        }

        @Override
        public synchronized void deleteResource(String id, Context context) {
            if (resources.remove(id) == null) {
                throw new ResourceNotFoundException("no " + type + " has the id " + id);
            }
        }

        private void stamp(T resource, Instant created) {
            if (resource.getMeta().isEmpty()) {
                resource.setMeta(Meta.builder().build());
            }
            Meta meta = resource.getMeta().orElseThrow();
            meta.setResourceType(type);
            meta.setCreated(created);
            meta.setLastModified(Instant.now());
            // The version in the request belongs to the old content; without it, the library computes a new one.
            meta.setVersion(null);
        }

        private T store(String id, T resource) {
            resources.put(id, copy(resource));
            return resource;
        }

        // The library modifies resources in place, both those that it stores and those that it gets back.
        private T copy(T resource) {
            return resource == null ? null : JsonHelper.copyResourceToObject(resource, getType());
        }

        private void rejectDuplicateName(T resource, String except) {
            String requested = name.apply(resource);
            boolean taken = resources.entrySet().stream()
                .anyMatch(e -> !e.getKey().equals(except) && name.apply(e.getValue()).equalsIgnoreCase(requested));
            if (taken) {
                throw new ConflictException("another " + type + " has this name");
            }
        }
    }
}
