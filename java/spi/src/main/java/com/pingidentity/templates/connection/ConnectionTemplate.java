package com.pingidentity.templates.connection;

import java.io.Serializable;
import java.util.List;
import org.sourceid.saml20.adapter.conf.SimpleFieldList;
import org.sourceid.saml20.adapter.gui.FieldDescriptor;
import org.sourceid.saml20.domain.ConnectionBase;

/** An entry of the template list of a new connection. */
public interface ConnectionTemplate extends Serializable {
    String getId();

    String getDescription();

    String getNote();

    List<FieldDescriptor> getFieldDescriptors();

    List<String> checkPrerequisites();

    ConnectionBase getConnection(SimpleFieldList fields);
}
