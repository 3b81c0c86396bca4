package org.pfscim.host;

import com.pingidentity.provisioner.sdk.SaasGroupData;
import com.pingidentity.provisioner.sdk.SaasUserData;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/** Converts users and groups between arguments of a line and classes of the SPI. */
final class Records {
    private static final String ATTRIBUTE_PREFIX = "a.";

    /** Width of the database columns in which the server stores target ids. */
    private static final int ID_CHARS_MAX = 255;

    private Records() {
    }

    /** Returns the user of the arguments {@code id}, {@code enabled}, {@code a.CODE}..., {@code m}... */
    static SaasUserData user(Args args) {
        SaasUserData user = new SaasUserData(args.get("id"));
        user.setAccountEnabled(args.flag("enabled", true));
        args.withPrefix(ATTRIBUTE_PREFIX).forEach(user::addAttribute);
        user.setMaskedFields(new HashSet<>(args.values("m")));
        return user;
    }

    /** Returns the arguments for a user that the plugin returned; null if it found none. */
    static Args args(SaasUserData user) {
        Args args = new Args().add("found", user != null);
        if (user != null) {
            if (user.getSaasUserGuid() == null) {
                throw new Violation("the plugin returned a user without an id");
            }
            args.add("id", id(user.getSaasUserGuid())).add("enabled", user.isAccountEnabled());
            user.getAttributeMap().forEach((code, values) -> values.forEach(v -> args.add(ATTRIBUTE_PREFIX + code, v)));
            user.getMaskedFields().forEach(code -> args.add("m", code));
        }
        return args;
    }

    /**
     * Returns the existing user as the server passes it to an update: only the mapped fields.
     *
     * @param read the last user that the plugin returned for this id; null if it returned none
     */
    static SaasUserData existing(SaasUserData read, SaasUserData updated, boolean idOnly) {
        SaasUserData existing = new SaasUserData(updated.getSaasUserGuid());
        if (read != null && !idOnly) {
            existing.setAccountEnabled(read.isAccountEnabled());
            for (Map.Entry<String, List<String>> field : read.getAttributeMap().entrySet()) {
                if (updated.getAttributeMap().containsKey(field.getKey())) {
                    existing.addAttribute(field.getKey(), field.getValue());
                }
            }
        }
        return existing;
    }

    /**
     * Returns the group of the arguments {@code name}, {@code guid}, {@code id}, {@code members=null|list}, {@code u}...,
     * {@code g}... A member with an empty id has no account at the target yet. The iterators run once.
     */
    static SaasGroupData group(Args args) {
        SaasGroupData group = new SaasGroupData(args.get("name"), null);
        group.setGuid(args.get("guid"));
        group.setInternalGuid(args.get("id"));
        if ("list".equals(args.get("members"))) {
            List<SaasUserData> users = new ArrayList<>();
            args.values("u").forEach(id -> users.add(new SaasUserData(nullIfEmpty(id))));
            group.setMembersIterator(users.iterator());
            List<SaasGroupData> groups = new ArrayList<>();
            for (String id : args.values("g")) {
                SaasGroupData nested = new SaasGroupData(null, null);
                nested.setGuid(nullIfEmpty(id));
                groups.add(nested);
            }
            group.setSubGroupsIterator(groups.iterator());
        }
        return group;
    }

    /** Checks that the server can store an id. Null is allowed. */
    static String id(String id) {
        if (id != null && (id.isEmpty() || id.length() > ID_CHARS_MAX)) {
            throw new Violation("an id of " + id.length() + " characters cannot be stored: it must have 1 to "
                + ID_CHARS_MAX);
        }
        return id;
    }

    private static String nullIfEmpty(String text) {
        return text.isEmpty() ? null : text;
    }
}
